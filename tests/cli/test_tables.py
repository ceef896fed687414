"""Lists on a terminal, in a pipe, and for programs."""

from __future__ import annotations

import json
import re
import sys
from datetime import UTC, datetime
from typing import Any

import pytest

from app.cli.tables import show

ROWS: list[dict[str, Any]] = [
    {
        "phone_number_id": "106540352242922",
        "url": "https://shop.example/" + "very-long/" * 12,
        "scopes": ["send", "read"],
        "note": "[bold]not markup[/bold]",
        "count": 7,
        "rate": 80.0,
        "oldest": datetime(2026, 11, 29, 23, 5, tzinfo=UTC),
        "reason": None,
    }
]


def test_a_pipe_gets_whole_values_between_tabs(capsys: pytest.CaptureFixture[str]) -> None:
    show(ROWS, empty="none")

    assert capsys.readouterr().out == "\t".join(
        [
            "106540352242922", ROWS[0]["url"], "send, read", "[bold]not markup[/bold]", "7", "80",
            "2026-11-29 23:05 UTC", "-\n",
        ]
    )  # fmt: skip


@pytest.mark.parametrize("columns", [60, 200])
def test_a_terminal_gets_a_table_that_fits_and_loses_nothing(
    columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", str(columns))
    rows = [{key: ROWS[0][key] for key in ("url", "note", "count")}]

    show(rows, empty="none")

    shown = re.sub("\x1b\\[[0-9;]*m", "", capsys.readouterr().out)
    heading, _, *lines = [line for line in shown.splitlines() if line.strip()]
    assert heading.split() == ["url", "note", "count"]
    assert max(map(len, shown.splitlines())) <= columns
    in_column = "".join(line[: heading.index("note")].strip() for line in lines)
    assert in_column == rows[0]["url"]
    assert "[bold]" in shown and "7" in shown


def test_an_id_stays_in_one_piece(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "70")
    id = "01a229f4-0a42-7183-b877-3ee692261bdb"

    show([{"id": id, "url": ROWS[0]["url"], "state": "active"}], empty="none")

    assert id in capsys.readouterr().out


def test_programs_get_json_with_times_in_utc(capsys: pytest.CaptureFixture[str]) -> None:
    show(ROWS, as_json=True, empty="none")

    (row,) = json.loads(capsys.readouterr().out)
    assert row == ROWS[0] | {"oldest": "2026-11-29T23:05:00Z"}


def test_an_empty_list_says_what_is_missing_and_is_an_empty_list_for_programs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show([], empty="There is no app yet.")
    show([], as_json=True, empty="There is no app yet.")

    assert capsys.readouterr().out == "There is no app yet.\n[]\n"
