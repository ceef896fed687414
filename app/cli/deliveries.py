"""`deliveries …`: what apps are still owed."""

from __future__ import annotations

import click

from app.cli.base import CommandGroup, services
from app.clock import utc_now


@click.group(cls=CommandGroup)
def deliveries() -> None:
    """What your apps are still owed, and did not take."""


@deliveries.command("retry")
@click.option("--endpoint", "name", help="Of this endpoint alone: its id, URL or description.")
def retry(name: str | None) -> None:
    """Try now what waits for its next try, and begin anew with what is dead."""
    from app.services.delivering import retry_all

    waiting, dead = retry_all(services().database, name, utc_now)
    click.echo(f"{waiting} that waited are due now; {dead} that were dead begin anew.")
