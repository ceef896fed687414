"""`keys …`: who may call, and what they may do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from app.cli.base import CommandGroup, services
from app.cli.tables import json_option, show
from app.clock import utc_now

if TYPE_CHECKING:
    from app.services.registries import ApiKeys


@click.group(cls=CommandGroup)
def keys() -> None:
    """API keys."""


def _api_keys() -> ApiKeys:
    from app.services.registries import ApiKeys

    return ApiKeys(services().config, services().database, services().registry, utc_now)


@keys.command("add")
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, default=["send", "read"], help="send, read, admin; may be repeated.")
@click.option("--number", "numbers", multiple=True, help="A phone_number_id; without any, all numbers.")
def add(name: str, scopes: tuple[str, ...], numbers: tuple[str, ...]) -> None:
    """Make a key and print it. It cannot be shown again."""
    click.echo(_api_keys().make(name, scopes, numbers))


@keys.command("list")
@json_option
def show_all(as_json: bool) -> None:
    """Show all keys, without the keys themselves."""
    rows = [
        {
            "name": row.name,
            "scopes": row.scopes,
            "numbers": row.numbers if row.numbers is not None else ["all numbers"],
            "state": "revoked" if row.revoked_at else "in use",
            "created_at": row.created_at,
        }
        for row in _api_keys().all()
    ]
    show(rows, as_json=as_json, empty="No key was added; API_KEY of the settings may do everything.")


@keys.command("revoke")
@click.argument("name")
def revoke(name: str) -> None:
    """Revoke a key. Once this ends, every process refuses it."""
    _api_keys().revoke(name)
