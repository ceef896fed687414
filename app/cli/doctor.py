"""`doctor`: what is wrong with this installation, and what to do about it."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from app.cli.base import Command, services
from app.cli.tables import json_option
from app.config.errors import ConfigError

if TYPE_CHECKING:
    from app.services.doctor import Fixed, Line

_SIGNS = {"ok": ("✓", "green"), "warn": ("!", "yellow"), "fail": ("✗", "red"), "skipped": ("–", "bright_black")}
_PARTS = {
    "settings": "Settings", "storage": "Storage", "processes": "Processes", "meta": "Meta", "callback": "Callback",
}  # fmt: skip


@click.command(cls=Command)
@json_option
@click.option("--fix", is_flag=True, help="Put right what can be put right without harm, then look again.")
@click.option("--strict", is_flag=True, help="Exit with 1 for warnings, too.")
@click.option("--only", multiple=True, metavar="CHECK", help="Run this check alone; may be repeated.")
@click.option("--problems", is_flag=True, help="Show only what is not well.")
def doctor(as_json: bool, fix: bool, strict: bool, only: tuple[str, ...], problems: bool) -> None:
    """Examine this installation, and say what to do.

    It looks at settings, storage, processes, Meta, and the callback from outside.

    Each line says what was checked, what was found and what to do. Exits with 1 if anything failed, so that a pipeline
    can use it.

    \b
    Examples:
      flask doctor
      flask doctor --fix
      flask doctor --json --strict
      flask doctor --only token --only callback
    """
    try:
        config = services().config
    except ConfigError as error:
        _say_settings(error, as_json)
        raise SystemExit(1) from None
    from app.services.doctor import CHECKS, apply

    unknown = set(only) - {check.name for check in CHECKS}
    if unknown:
        names = ", ".join(check.name for check in CHECKS)
        raise click.UsageError(f"There is no check {', '.join(sorted(unknown))}. There are: {names}.")
    assert config
    examine = services().gateway.doctor
    report = examine(only)
    fixed: list[Fixed] = []
    if fix:
        fixed = apply(examine.context(), report.lines)
        if fixed:
            report = examine(only)
    if as_json:
        told: dict[str, Any] = {
            "state": report.state, "checked_at": report.checked_at.isoformat(), "seconds": report.seconds
        }  # fmt: skip
        told |= {"fixed": [asdict(each) for each in fixed], "lines": [asdict(line) for line in report.lines]}
        click.echo(json.dumps(told, indent=1))
    else:
        for each in fixed:
            click.echo(f"{'Fixed' if each.done else 'NOT FIXED'}: {each.fix}: {each.text}")
        _print(report.lines, problems)
        counts = {state: sum(line.state == state for line in report.lines) for state in ("ok", "warn", "fail")}
        click.echo(
            f"\n{counts['ok']} well, {counts['warn']} to watch, {counts['fail']} wrong; looked at in"
            f" {report.seconds:.1f} s."
        )
    if report.state == "fail" or (strict and report.state == "warn"):
        raise SystemExit(1)


def _print(lines: list[Line], problems: bool) -> None:
    part = ""
    for line in lines:
        if problems and line.state not in ("warn", "fail"):
            continue
        if line.part != part:
            part = line.part
            click.echo(f"\n{_PARTS.get(part, part)}" if part else "")
        sign, colour = _SIGNS[line.state]
        subject = f" [{line.subject}]" if line.subject else ""
        styled = click.style(sign, fg=colour) if sys.stdout.isatty() else f"{sign} {line.state:7}"
        click.echo(f"  {styled} {line.checked}{subject}: {line.found}")
        if line.remedy:
            click.echo(f"      → {line.remedy}")


def _say_settings(error: ConfigError, as_json: bool) -> None:
    """Say that nothing else can be looked at before the settings can be read."""
    remedy = "Correct it in .env or in the environment (docs/settings.md)."
    lines = [
        {
            "name": "settings", "part": "settings", "checked": "Settings", "state": "fail", "found": problem,
            "remedy": remedy, "subject": problem.partition(":")[0], "fix": None,
        }
        for problem in error.problems
    ]  # fmt: skip
    if as_json:
        click.echo(json.dumps({"state": "fail", "fixed": [], "lines": lines}, indent=1))
        return
    click.echo("\nSettings")
    for line in lines:
        click.echo(f"  ✗ fail    Settings: {line['found']}\n      → {line['remedy']}")
    click.echo("\nNothing else can be looked at before these are right.")
