"""`audit …`: is everything that was acknowledged accounted for, and who did what?"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TextIO

import click

from app import compact_json
from app.cli.answers import Listed, listing, time_option, when
from app.cli.api import api
from app.cli.base import CommandGroup, services
from app.cli.tables import Row, json_option, show

if TYPE_CHECKING:
    from app.services.operations.audit import Balance


@click.group(cls=CommandGroup)
def audit() -> None:
    """Do the books balance, and who did what?"""


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


def _row(entry: Any) -> Row:
    return {"at": when(entry["at"])} | {key: entry[key] for key in ("actor", "act", "subject", "details")}


@audit.command("list")
@click.option("--actor", help="Who: key:NAME, person:ID, cli or system.")
@click.option("--act", help="What: contact.erased; with a dot at its end all of a kind: endpoint.")
@click.option("--subject", help="To what: contact:ID, message:ID, endpoint:ID, …")
@time_option("--since", "Not before this time.")
@time_option("--until", "Before this time.")
@listing(empty="Nothing was recorded yet.")
def list_acts(**query: Any) -> Listed:
    """Show who did what, newest first.

    \b
    Example:
      audit list --act endpoint. --since 2026-11-01
    """
    return Listed(api().list_audit(**query), _row)


@audit.command("export")
def export() -> None:
    """Write the whole log as JSON lines, oldest first. `audit verify FILE` checks such a file."""
    from app.clock import utc_now
    from app.services.audit_log import AuditLog, export_entries

    AuditLog(services().database, utc_now).record_now(act="audit.exported", subject="audit")
    for line in export_entries(services().database):
        click.echo(compact_json.encode(line))


@audit.command("verify")
@click.argument("file", required=False, type=click.File(encoding="utf-8"))
@click.option("--hash", "known_hash", help="A hash noted earlier, which must still be in the chain.")
def verify(file: TextIO | None, known_hash: str | None) -> None:
    """Check that no entry was changed, removed or inserted: in the database, or in a FILE of `audit export`.

    Exits with 1 at the first broken entry. Note the printed hash elsewhere: given as --hash later, it proves that
    nothing up to there was written anew.
    """
    from app.services.audit_log import verify_chain, verify_export

    verdict = verify_export(file, known_hash) if file else verify_chain(services().database, known_hash)
    click.echo(f"{verdict.entries} entries, {verdict.erased} with erased details; {verdict.unsealed} not sealed yet")
    if verdict.problem is not None:
        click.echo(f"BROKEN  {verdict.problem}")
    elif verdict.has_head is False:
        click.echo("BROKEN  the hash that was noted is not in the chain")
    else:
        click.echo(f"The chain is intact up to place {verdict.place}: {verdict.hash}")
    if not verdict.is_intact:
        raise SystemExit(1)
