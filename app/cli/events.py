"""`events …`: everything that happened."""

from __future__ import annotations

from typing import Any

import click

from app.cli.answers import Listed, listing, when
from app.cli.api import api
from app.cli.base import CommandGroup
from app.cli.event_lines import what_of
from app.cli.tables import Row


@click.group(cls=CommandGroup)
def events() -> None:
    """Everything that happened. `tail` follows it."""


def _row(event: Any) -> Row:
    return {"at": when(event["received_at"]), "type": event["type"], "": what_of(event), "id": event["id"]}


@events.command("list")
@click.option("--type", help="message.received, message.status, …")
@listing(empty="Nothing happened.")
def list_events(**query: Any) -> Listed:
    """Show events, newest first.

    \b
    Example:
      events list --type message.status --limit 20
    """
    return Listed(api().list_events(**query), _row)
