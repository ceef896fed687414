"""`deliveries …`: what apps are still owed."""

from __future__ import annotations

from typing import Any

import click

from app.cli.answers import Listed, listing, show_facts, when, write_json
from app.cli.api import api, require_local
from app.cli.base import CommandGroup, services
from app.cli.tables import Row, json_option, show
from app.clock import utc_now


@click.group(cls=CommandGroup)
def deliveries() -> None:
    """What your apps are still owed, and did not take."""


def _row(delivery: Any) -> Row:
    return {
        "created_at": when(delivery["created_at"]),
        "state": delivery["state"],
        "attempts": delivery["attempts"],
        "due_at": when(delivery["due_at"]),
        "reason": delivery["reason"],
        "endpoint_id": delivery["endpoint_id"],
        "id": delivery["id"],
    }


@deliveries.command("list")
@click.option("--state", type=click.Choice(["pending", "delivered", "dead", "stale", "withheld"]))
@click.option("--endpoint", help="The id of an endpoint.")
@click.option("--event", help="The id of an event.")
@listing(empty="No delivery is like that.")
def list_deliveries(**query: Any) -> Listed:
    """Show deliveries, newest first.

    \b
    Example:
      deliveries list --state dead
    """
    return Listed(api().list_deliveries(**query), _row)


@deliveries.command("show")
@click.argument("delivery_id")
@json_option
def show_delivery(delivery_id: str, as_json: bool) -> None:
    """Show a delivery and each try at it.

    \b
    Example:
      deliveries show 01a229f4-0a42-7183-b877-3ee692261bdb
    """
    found: Any = api().get_delivery(delivery_id)
    if as_json:
        write_json(found)
        return
    show_facts({name: value for name, value in found.items() if name != "tries"})
    rows = [
        {
            "try": each["number"],
            "at": when(each["started_at"]),
            "ms": each["duration_ms"],
            "status": each["status"],
            "what": each["error"] or each["note"] or (each["answer"] or "")[:200],
        }
        for each in found["tries"]
    ]
    show(rows, empty="It was not tried yet.")


@deliveries.command("retry")
@click.argument("delivery_id", required=False)
@click.option("--endpoint", "name", help="Of this endpoint alone: its id, URL or description.")
def retry(delivery_id: str | None, name: str | None) -> None:
    """Try now what waits for its next try, and begin anew with what is dead. With DELIVERY_ID, that one alone.

    \b
    Examples:
      deliveries retry
      deliveries retry --endpoint https://crm.example/events
    """
    if delivery_id is not None:
        click.echo(f"{api().retry_delivery(delivery_id)['state']}: it is tried now.")
        return
    from app.services.delivering import retry_all

    require_local("Retrying all of them at once")
    waiting, dead = retry_all(services().database, name, utc_now)
    click.echo(f"{waiting} that waited are due now; {dead} that were dead begin anew.")
