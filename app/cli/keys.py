"""`keys …`: who may call, and what they may do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from app.cli.base import CommandGroup, services
from app.clock import utc_now

if TYPE_CHECKING:
    from app.services.registries.api_keys import ApiKeys


@click.group(cls=CommandGroup)
def keys() -> None:
    """API keys."""


def _api_keys() -> ApiKeys:
    from app.services.registries.api_keys import ApiKeys

    return ApiKeys(services().config, services().database, services().registry, utc_now)


@keys.command("add")
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, default=["send", "read"], help="send, read, admin; may be repeated.")
@click.option("--number", "numbers", multiple=True, help="A phone_number_id; without any, all numbers.")
def add(name: str, scopes: tuple[str, ...], numbers: tuple[str, ...]) -> None:
    """Make a key and print it. It cannot be shown again."""
    click.echo(_api_keys().make(name, scopes, numbers))


@keys.command("list")
def show_all() -> None:
    """Show all keys, without the keys themselves."""
    for row in _api_keys().all():
        state = "revoked" if row.revoked_at else "in use"
        numbers = "all numbers" if row.numbers is None else ",".join(row.numbers)
        click.echo(f"{row.name}\t{','.join(row.scopes)}\t{numbers}\t{state}\tsince {row.created_at:%Y-%m-%d}")


@keys.command("revoke")
@click.argument("name")
def revoke(name: str) -> None:
    """Revoke a key. Once this ends, every process refuses it."""
    _api_keys().revoke(name)
