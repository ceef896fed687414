"""`secrets …`: what is stored encrypted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from app.cli.base import CommandGroup, services
from app.clock import utc_now

if TYPE_CHECKING:
    from app.services.operations import RotateSecrets


@click.group(cls=CommandGroup)
def secrets() -> None:
    """Tokens and secrets that are stored encrypted."""


def _rotate() -> RotateSecrets:
    from app.services.operations import RotateSecrets

    given = services()
    return RotateSecrets(given.config, given.database, given.encryptor, given.gateway.erasures, utc_now)


@secrets.command("rotate")
def rotate() -> None:
    """Encrypt all of them anew with the first key of ENCRYPTION_KEY, while everything runs.

    It may be stopped and run again. Afterwards the other keys can be taken out of ENCRYPTION_KEY. Exits with 1 if some
    were encrypted with a key that is not here.
    """
    done = _rotate()()
    click.echo(f"{done.rewritten} encrypted anew; {done.current} in all are encrypted with the first key.")
    if done.unreadable:
        click.echo(f"{done.unreadable} were encrypted with a key that is not in ENCRYPTION_KEY.")
        raise SystemExit(1)
    click.echo("The other keys can be taken out of ENCRYPTION_KEY.")


@secrets.command("check")
def check() -> None:
    """Say how many are encrypted with the first key, and how many cannot be read. Exits with 1 if any cannot."""
    found = _rotate().count()
    click.echo(f"{found.current} are encrypted with the first key; {found.unreadable} cannot be read.")
    if found.unreadable:
        raise SystemExit(1)
