"""`audit …`: is everything that was acknowledged accounted for?"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from app.cli.base import CommandGroup, services
from app.cli.tables import json_option, show

if TYPE_CHECKING:
    from app.services.operations.audit import Balance


@click.group(cls=CommandGroup)
def audit() -> None:
    """Do the books balance?"""


@audit.command("balance")
@json_option
@click.option("--deep", is_flag=True, help="Read every kept webhook again and look for each of its items.")
def balance(as_json: bool, deep: bool) -> None:
    """Show what was acknowledged and what became of it. Exits with 1 when the books do not balance."""
    from app.services.operations.audit import audit_balance

    books = audit_balance(services().database, deep=deep)
    if as_json:
        click.echo(json.dumps(books.to_dict(), indent=1))
    else:
        _print_books(books)
    if not books.is_clean:
        raise SystemExit(1)


def _print_books(books: Balance) -> None:
    states = ", ".join(f"{count} {state}" for state, count in sorted(books.notifications.items())) or "none"
    click.echo(f"Webhooks answered 200: {states}")
    states_of_items = ("processed", "duplicate", "parked", "quarantined")
    rows = [
        {"day": day, "number": number or None} | {state: page[state] for state in states_of_items}
        for (day, number), page in sorted(books.items.items())
    ]
    show(rows, empty="No item was acknowledged yet.")
    for (day, number), page in sorted(books.sends.items()):
        click.echo(f"{day}  {number}  sends: " + ", ".join(f"{count} {state}" for state, count in sorted(page.items())))
    for (day, endpoint_id), page in sorted(books.deliveries.items()):
        states = ", ".join(f"{count} {state}" for state, count in sorted(page.items()))
        click.echo(f"{day}  endpoint {endpoint_id}  owed {sum(page.values())}: {states}")
    for problem in books.problems:
        click.echo(f"PROBLEM  {problem}")
    click.echo("The books balance." if books.is_clean else "The books do NOT balance.")
