"""`alerts …`: what is wrong."""

from __future__ import annotations

from typing import Any

import click

from app.cli.answers import Listed, listing, when
from app.cli.api import api
from app.cli.base import CommandGroup
from app.cli.tables import Row


@click.group(cls=CommandGroup)
def alerts() -> None:
    """What is wrong, and what to do about it."""


def _row(alert: Any) -> Row:
    return {
        "state": alert["state"],
        "kind": alert["kind"],
        "since": when(alert["first_raised_at"]),
        "what": alert["message"],
        "do": alert["remedy"],
    }


@alerts.command("list")
@click.option("--state", type=click.Choice(["open", "closed"]))
@listing(empty="Nothing is wrong.")
def list_alerts(**query: Any) -> Listed:
    """Show alerts, the open ones first.

    \b
    Example:
      alerts list --state open
    """
    return Listed(api().list_alerts(**query), _row)
