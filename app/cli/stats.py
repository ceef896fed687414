"""`stats …`: rates, errors, durations and prices."""

from __future__ import annotations

from typing import Any

import click

from app.cli.answers import Listed, given_alone, listing, show_facts, time_option, when, write_json
from app.cli.api import api
from app.cli.base import CommandGroup
from app.cli.tables import Row, json_option, show


@click.group(cls=CommandGroup)
def stats() -> None:
    """Rates, errors, durations and prices."""


@stats.command("show")
@time_option("--since", "From this time on.  [default: 24 hours ago]")
@time_option("--until", "Before this time.")
@click.option("--number", "phone_number_id", help="Of this phone_number_id.")
@json_option
def show_stats(as_json: bool, **query: Any) -> None:
    """Show what was received and sent, how fast, and what Meta charges for.

    \b
    Example:
      stats show --since 2026-11-01
    """
    found: Any = api().get_statistics(**given_alone(**query))
    if as_json:
        write_json(found)
        return
    lists = ("pricing", "free_service", "api_usage")
    show_facts({name: value for name, value in found.items() if name not in lists})
    for name in lists:
        if found[name]:
            show(found[name], empty="")


def _point(point: Any) -> Row:
    return {
        "at": when(point["at"]),
        "in": point["inbound"],
        "out": point["outbound"],
        "failed": point["failed"],
        "delivered": point["delivered"],
        "undelivered": point["undelivered"],
    }


@stats.command("series")
@click.option("--step", type=click.Choice(["minute", "hour", "day"]), default="hour", show_default=True)
@time_option("--since", "From this time on.  [default: 24 hours ago]")
@time_option("--until", "Before this time.")
@click.option("--number", "phone_number_id", help="Of this phone_number_id.")
@listing(empty="Nothing was counted.", paged=False)
def series(**query: Any) -> Listed:
    """Show the same over time, oldest first.

    \b
    Example:
      stats series --step day --since 2026-11-01
    """
    return Listed(api().get_statistics_series(**given_alone(**query)), _point)


@stats.command("overview")
@json_option
def overview(as_json: bool) -> None:
    """Show how much waits now and for how long, and whether a worker runs.

    \b
    Example:
      stats overview
    """
    found: Any = api().get_overview()
    write_json(found) if as_json else show_facts(found)
