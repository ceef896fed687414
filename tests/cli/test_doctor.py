"""The command `doctor`: what it prints, its JSON, and its exit code. What it finds: tests/services/doctor."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from app.cli.commands import commands
from app.container import Gateway
from app.services.doctor import Doctor
from app.services.doctor.types import Check, Found, State, fail, ok, warn
from tests.cli.conftest import Run
from tests.conftest import on_sqlite


def examine(gateway: Gateway, *found: Found) -> None:
    """Let the gateway's doctor have one check, which finds this."""
    check = Check("meta", "meta", "Meta answers", lambda context: iter(found))
    object.__setattr__(gateway, "doctor", Doctor(gateway.doctor.context, [check]))


@on_sqlite
@pytest.mark.parametrize(
    ("found", "code", "strict"),
    [(ok("Yes."), 0, 0), (warn("Slowly.", "Wait."), 0, 1), (fail("No.", "Call."), 1, 1)],
    ids=["ok", "warn", "fail"],
)
def test_the_exit_code_is_for_pipelines(run: Run, gateway: Gateway, found: Found, code: int, strict: int) -> None:
    examine(gateway, found)

    plain, told = run("doctor"), run("doctor", "--json", "--strict")

    assert (plain.exit_code, told.exit_code) == (code, strict)
    assert f"{found.state}" in plain.output and f"Meta answers: {found.text}" in plain.output
    assert (f"→ {found.remedy}" in plain.output) is (found.remedy is not None)
    assert json.loads(told.output)["lines"][0]["found"] == found.text
    assert json.loads(told.output)["state"] == found.state


@on_sqlite
def test_only_problems_are_shown_when_that_is_asked(run: Run, gateway: Gateway) -> None:
    examine(gateway, ok("Yes."), warn("Slowly.", "Wait."))

    assert "Yes." not in run("doctor", "--problems").output


@on_sqlite
def test_a_check_that_is_none_is_refused(run: Run) -> None:
    result = run("doctor", "--only", "weather")

    assert result.exit_code == 2
    assert "There is no check weather" in result.output and "token_kind" in result.output


def test_settings_that_cannot_be_read_are_lines_with_remedies() -> None:
    result = CliRunner().invoke(commands, ["doctor", "--json"], env={"PORT": "none", "API_KEY": "short"})

    told = json.loads(result.output)
    assert result.exit_code == 1
    assert {line["subject"] for line in told["lines"]} >= {"PORT", "API_KEY"}
    assert all(line["state"] == State.FAIL and line["remedy"] for line in told["lines"])
