"""`migrate`: the database's schema."""

from __future__ import annotations

import click

from app.cli.base import Command, services
from app.clock import utc_now


@click.command(cls=Command)
def migrate() -> None:
    """Bring the database up to date. Done by the web server itself at start."""
    from app import migrations

    migrations.upgrade(services().database)
    if services().config.forward_url:
        _make_endpoint()


def _make_endpoint() -> None:
    """Make the settings' endpoint before anybody writes an event, so that the very first one is owed to it."""
    from app.services.endpoint_directory import EndpointDirectory

    given = services()
    EndpointDirectory(given.config, given.database, given.vault, given.registry, utc_now).make_of_settings()
