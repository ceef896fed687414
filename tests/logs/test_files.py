from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import time_machine

from app.logs import files
from app.logs.files import DailyFileHandler

WRITER = """
import logging, pathlib, sys
from app.logs import files
from app.logs.files import DailyFileHandler
handler = DailyFileHandler(pathlib.Path(sys.argv[1]))
for number in range(300):
    handler.emit(logging.makeLogRecord({"msg": f"{sys.argv[2]} {number} " + "x" * 3000}))
"""


def say(handler: logging.Handler, message: str) -> None:
    handler.handle(logging.makeLogRecord({"msg": message}))


def test_it_opens_a_new_file_when_the_utc_day_changes(handler: DailyFileHandler, folder: Path) -> None:
    with time_machine.travel("2026-02-28T23:59:59+00:00", tick=False) as clock:
        say(handler, "before")
        clock.shift(1)
        say(handler, "after")

    assert (folder / "whatsapp_service_20260228.log").read_text() == "before\n"
    assert (folder / "whatsapp_service_20260301.log").read_text() == "after\n"


def test_it_opens_the_file_again_when_it_was_moved_or_deleted(
    handler: DailyFileHandler, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "LOOK_SECONDS", 0.0)
    say(handler, "one")
    (path,) = folder.iterdir()
    path.rename(folder / "moved")
    say(handler, "two")
    path.unlink()
    say(handler, "three")

    assert (folder / "moved").read_text() == "one\n"
    assert path.read_text() == "three\n"


def test_several_processes_share_the_file_without_mixing_their_lines(folder: Path) -> None:
    command = [sys.executable, "-c", WRITER, str(folder)]
    running = [subprocess.Popen([*command, name]) for name in ("ann", "bob", "cho")]

    codes = [each.wait(timeout=60) for each in running]

    lines = [line for path in folder.iterdir() for line in path.read_text().splitlines()]
    expected = [f"{name} {number} " + "x" * 3000 for name in ("ann", "bob", "cho") for number in range(300)]
    assert codes == [0, 0, 0]
    assert sorted(lines) == sorted(expected)


def test_a_folder_that_cannot_be_written_costs_one_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "logs").write_text("a file where the folder should be")
    handler = DailyFileHandler(tmp_path / "logs")

    handler.open_now()
    say(handler, "one")
    say(handler, "two")

    assert [record.getMessage() for record in caplog.records] == [
        "the log file cannot be written, only the console is",
    ]


def test_it_writes_again_once_the_folder_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file where the folder should be")
    handler = DailyFileHandler(tmp_path / "logs")
    say(handler, "lost")
    (tmp_path / "logs").unlink()

    say(handler, "kept")
    handler.close()

    assert [path.read_text() for path in (tmp_path / "logs").iterdir()] == ["kept\n"]


def test_a_record_that_cannot_be_formatted_is_dropped_in_silence(
    handler: DailyFileHandler, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    handler.handle(logging.makeLogRecord({"msg": "%d", "args": ("5491112345678x",)}))
    say(handler, "a lone \ud83d surrogate")

    assert [path.read_text() for path in folder.iterdir()] == ["a lone \\ud83d surrogate\n"]
    assert capfd.readouterr() == ("", "")


def test_only_the_owner_may_write_and_strangers_may_not_read(handler: DailyFileHandler, folder: Path) -> None:
    handler.open_now()

    (path,) = folder.iterdir()
    assert path.stat().st_mode & 0o137 == 0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "logs"


@pytest.fixture
def handler(folder: Path) -> Iterator[DailyFileHandler]:
    handler = DailyFileHandler(folder)
    yield handler
    handler.close()
