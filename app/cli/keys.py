"""`keys …`: who may call, and what they may do."""

from __future__ import annotations

from typing import Any

import click

from app.cli.answers import Listed, answering, given_alone, listing, when
from app.cli.api import api
from app.cli.base import CommandGroup
from app.cli.tables import Row


@click.group(cls=CommandGroup)
def keys() -> None:
    """API keys."""


@keys.command("add")
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, default=["send", "read"], help="send, read, admin; may be repeated.")
@click.option("--number", "numbers", multiple=True, help="A phone_number_id; without any, all numbers.")
@answering(lambda made: str(made["key"]))
def add(name: str, scopes: tuple[str, ...], numbers: tuple[str, ...]) -> Any:
    """Make a key and print it. It cannot be shown again.

    \b
    Example:
      keys add crm --scope read --number 700100200300400
    """
    asked: Any = list(scopes)
    return api().add_key(name=name, scopes=asked, **given_alone(numbers=list(numbers) or None))


def _row(key: Any) -> Row:
    return {
        "name": key["name"],
        "scopes": ",".join(key["scopes"]),
        "numbers": ["all numbers"] if key["numbers"] is None else key["numbers"],
        "state": "revoked" if key["revoked_at"] else "in use",
        "created_at": when(key["created_at"]),
    }


@keys.command("list")
@listing(empty="No key was added; API_KEY of the settings may do everything.", paged=False)
def list_keys() -> Listed:
    """Show all keys, without the keys themselves.

    \b
    Example:
      keys list
    """
    return Listed(api().list_keys(), _row)


@keys.command("revoke")
@click.argument("name")
@answering(lambda answer: "Revoked.")
def revoke(name: str) -> Any:
    """Revoke a key. Once this ends, every process refuses it.

    \b
    Example:
      keys revoke crm
    """
    return api().revoke_key(name)
