"""`sends …`: what is held for a person, and many sends at once."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from app.cli.base import CommandGroup, services
from app.cli.tables import json_option, show
from app.clock import utc_now
from app.domain.holds import HeldFor, Selection

if TYPE_CHECKING:
    from app.services.sending import BulkActions, BulkResult

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
REASONS = [str(reason) for reason in HeldFor]


@click.group(cls=CommandGroup)
def sends() -> None:
    """Sends that are held, failed or wait: many at once."""


def _many() -> BulkActions:
    from app.services.sending import BulkActions

    return BulkActions(services().database, utc_now)


def _age(_context: click.Context, _option: click.Parameter, text: str | None) -> timedelta | None:
    if text is None:
        return None
    match = re.fullmatch("([0-9]{1,6})([smhd])", text)
    if match is None:
        raise click.BadParameter("must be a number and s, m, h or d, as 30m or 2h")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def selecting(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that say which sends are meant."""
    for option in (
        click.option("--older-than", callback=_age, help="Asked for at least so long ago: 30m, 2h, 1d."),
        click.option("--reason", type=click.Choice(REASONS), help="Held for this reason."),
        click.option("--batch", help="Of this batch."),
        click.option("--number", help="Of this phone_number_id."),
        click.option("--all", "everything", is_flag=True, help="All of them."),
    ):
        command = option(command)
    return command


def _selection(
    statuses: tuple[str, ...], everything: bool, number: str | None, batch: str | None, reason: str | None,
    older_than: timedelta | None,
) -> Selection:  # fmt: skip
    if not everything and not any((number, batch, reason, older_than)):
        raise click.UsageError("Say which: --all, --number, --batch, --reason or --older-than.")
    if reason is not None:
        statuses = ("held",)
    before = utc_now() - older_than if older_than is not None else None
    return Selection(statuses, None, number, batch, reason, before)


@sends.command("list")
@json_option
def list_held(as_json: bool) -> None:
    """Show how many sends are held or failed, by reason, number and batch."""
    rows = [
        {
            "status": row.status,
            "held_for": (row.held_for or "unknown") if row.status == "held" else None,
            "phone_number_id": row.phone_number_id,
            "batch_id": row.batch_id,
            "count": row.count,
            "oldest": row.oldest,
        }
        for row in _many().summary(Selection(("held", "failed", "unknown", "queued")))
    ]
    show(rows, as_json=as_json, empty="No send is held, failed, unknown or waiting.")


@sends.command("hold")
@click.option("--number", help="Of this phone_number_id only.")
def hold(number: str | None) -> None:
    """Hold everything that waits and was wanted by now, as after putting an old copy of the database back."""
    from app.services.sending import HoldSends

    count = HoldSends(services().database, utc_now).hold_all(HeldFor.ASKED, numbers=[number] if number else None)
    click.echo(f"{count} held.")


@sends.command("release")
@selecting
def release(**which: Any) -> None:
    """Send what is held after all. What expired meanwhile, or may no longer be sent, is not."""
    _act("released", _many().release, _selection((), **which))


@sends.command("retry")
@selecting
@click.option("--status", type=click.Choice(["failed", "expired", "cancelled", "held"]), help="Those in this status.")
def retry(status: str | None, **which: Any) -> None:
    """Queue sends for another try that failed, or whose status --status names."""
    _act("queued", _many().retry, _selection((status or "failed",), **which))


@sends.command("cancel")
@selecting
def cancel(**which: Any) -> None:
    """Give up what is held; with --all or without --reason, of what is meant also that which waits."""
    _act("cancelled", _many().cancel, _selection((), **which))


def _act(word: str, act: Callable[[Selection], BulkResult], wanted: Selection) -> None:
    moved = 0
    while True:
        done = act(wanted)
        moved += done.moved
        if not done.more or not done.moved:
            break
    click.echo(f"{moved} {word}.")
    for code, count in sorted(done.refused.items()):
        click.echo(f"{count} left as they are: {code}.")
