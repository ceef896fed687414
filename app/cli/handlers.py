"""`handlers …`: the user's Python handlers."""

from __future__ import annotations

import os

import click

from app.cli.base import CommandGroup, services
from app.domain.handlers import Handler
from app.handlers.environment import without_secrets
from app.handlers.process import CannotLoad, HandlerProcess


@click.group(cls=CommandGroup)
def handlers() -> None:
    """Your Python handlers, in the module that HANDLERS names."""


@handlers.command("check")
def check() -> None:
    """Load the module as the worker does, and show its handlers, or why it cannot be loaded."""
    module = services().config.handlers
    if not module:
        raise click.ClickException("HANDLERS is not set.")
    try:
        process = HandlerProcess(module, without_secrets(os.environ))
    except CannotLoad as problem:
        click.echo(problem.traceback, err=True, nl=False)
        raise click.ClickException(f"{module} cannot be loaded: {problem.reason}") from problem
    process.close()
    for handler in process.handlers:
        click.echo(f"{handler.name}\t{_wants(handler)}\t{_age(handler)}")
    if not process.handlers:
        click.echo(f"{module} registers no handler.")


def _wants(handler: Handler) -> str:
    narrowed = handler.message_types or handler.statuses
    return ", ".join(handler.types or ("every event",)) + (f" ({', '.join(narrowed)})" if narrowed else "")


def _age(handler: Handler) -> str:
    return "of any age" if handler.max_age_seconds is None else f"not older than {handler.max_age_seconds} s"
