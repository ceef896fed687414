"""`migrate`: the database's schema."""

from __future__ import annotations

import click

from app.cli.base import Command, services


@click.command(cls=Command)
def migrate() -> None:
    """Bring the database up to date. Done by the web server itself at start."""
    from app import migrations

    migrations.upgrade(services().database)
