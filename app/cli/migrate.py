"""`migrate`: the database's schema."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from app.cli.base import Command, services
from app.clock import utc_now
from app.errors import GatewayError

if TYPE_CHECKING:
    from app.db.database import Database


@click.command(cls=Command)
@click.option("--to", "revision", metavar="REVISION", help="Go to this revision, also back to an earlier release's.")
@click.option("--yes", is_flag=True, help="Do not ask before going back.")
@click.option("--invite", is_flag=True, hidden=True)
def migrate(revision: str | None, yes: bool, invite: bool) -> None:
    """Bring the database up to date. Done by the web server itself at start."""
    from app import migrations

    database = services().database
    if revision is not None:
        _go_to(database, revision, is_sure=yes)
        return
    migrations.upgrade(database)
    if services().config.forward_url:
        _make_endpoint()
    if invite:
        _invite()


def _invite() -> None:
    """Print a link by which the first admin signs in; the server shows it once it listens."""
    from datetime import timedelta

    from app.cli.addresses import own_address
    from app.services.people import ManagePeople

    given = services()
    manage = ManagePeople(given.database, utc_now, timedelta(hours=given.config.inbox_idle_hours))
    try:
        click.echo(f"Answer as the team: {own_address(given.config)}/inbox/sign-in/{manage.make_first_link()}")
    except GatewayError:
        return  # a server that cannot make a link can still serve


def _go_to(database: Database, revision: str, *, is_sure: bool) -> None:
    from app import migrations

    if revision < migrations.head() and not is_sure:
        click.confirm(
            f"What only revisions after {revision} keep is deleted, and no process of the gateway may run. Go on?",
            abort=True,
        )
    try:
        migrations.go_to(database, revision)
    except migrations.WrongRevision as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"The database is at {revision}.")


def _make_endpoint() -> None:
    """Make the settings' endpoint before anybody writes an event, so that the very first one is owed to it."""
    from app.services.registries import EndpointDirectory

    given = services()
    EndpointDirectory(given.config, given.database, given.encryptor, given.registry, utc_now).make_of_settings()
