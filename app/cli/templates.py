"""`templates …`: what may be sent after 24 hours."""

from __future__ import annotations

from typing import Any

import click

from app.cli.answers import Listed, given_alone, listing
from app.cli.api import api
from app.cli.base import CommandGroup
from app.cli.tables import Row


@click.group(cls=CommandGroup)
def templates() -> None:
    """Templates of your account, as Meta has them."""


def _row(template: Any) -> Row:
    return {
        "name": template["name"],
        "language": template["language"],
        "category": template["category"],
        "parameters": template["parameters"],
        "text": template["text"],
    }


@templates.command("list")
@click.option("--number", "phone_number_id", help="Of this phone_number_id's account, if you have several numbers.")
@click.option("--name", help="Of this name.")
@listing(empty="Meta has approved no template of this account.", paged=False)
def list_templates(**query: Any) -> Listed:
    """Show the approved templates that a number can send.

    \b
    Example:
      templates list --name order_ready --json
    """
    return Listed(api().list_templates(**given_alone(**query)), _row)
