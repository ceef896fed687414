"""`db …`: the database itself."""

from __future__ import annotations

import click

from app.cli.base import CommandGroup
from app.clock import utc_now


@click.group(cls=CommandGroup)
def db() -> None:
    """The database: copy it from SQLite to PostgreSQL."""


@db.command("copy")
@click.argument("source", metavar="SQLITE_URL")
@click.argument("target", metavar="POSTGRES_URL")
def copy(source: str, target: str) -> None:
    """Copy everything from a SQLite file into an empty PostgreSQL database.

    Stop every process of the gateway first. A copy that was interrupted goes on when the command is given again. At the
    end the rows of each table are compared, and the audit balances the copy. Exits with 1 if anything differs. Files of
    messages and .env stay as they are: set DATABASE_URL to the new database, and start.
    """
    from app.cli.backup import progress
    from app.db.database import Database
    from app.services.backups.copy_to_postgresql import copy_to_postgresql

    old, new = Database(_url(source, "SQLITE_URL")), Database(_url(target, "POSTGRES_URL"))
    if not old.is_sqlite or new.is_sqlite:
        raise click.UsageError("It copies from SQLite (sqlite:///…) to PostgreSQL (postgresql://…), not otherwise.")
    with progress(counts_bytes=False) as report:
        copied = copy_to_postgresql(old, new, utc_now(), report)
    for problem in copied.problems:
        click.echo(f"PROBLEM  {problem}")
    rows = sum(copied.rows.values())
    click.echo(f"{rows:,} rows of {len(copied.rows)} tables are copied; {copied.rows['messages']:,} are messages.")
    if copied.problems:
        raise click.ClickException("The books of the copy do NOT balance. Does `audit balance` say so of the original?")
    click.echo("The books of the copy balance. Set DATABASE_URL to it, and start the gateway.")


def _url(text: str, name: str) -> str:
    from app.config.parsers import WrongSetting, database_url

    try:
        return database_url(text)
    except WrongSetting as error:
        raise click.BadParameter(str(error), param_hint=name) from error
