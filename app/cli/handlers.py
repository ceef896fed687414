"""`handlers …`: the user's Python handlers."""

from __future__ import annotations

import os

import click

from app.cli.base import CommandGroup, services
from app.cli.tables import json_option, show
from app.domain.handlers import Handler
from app.handlers.environment import without_secrets
from app.handlers.process import CannotLoad, HandlerProcess


@click.group(cls=CommandGroup)
def handlers() -> None:
    """Your Python handlers, in the module that HANDLERS names."""


@handlers.command("check")
@json_option
def check(as_json: bool) -> None:
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
    rows = [{"name": each.name, "events": _wants(each), "age": _age(each)} for each in process.handlers]
    show(rows, as_json=as_json, empty=f"{module} registers no handler.")


def _wants(handler: Handler) -> str:
    narrowed = handler.message_types or handler.statuses
    return ", ".join(handler.types or ("every event",)) + (f" ({', '.join(narrowed)})" if narrowed else "")


def _age(handler: Handler) -> str:
    return "of any age" if handler.max_age_seconds is None else f"not older than {handler.max_age_seconds} s"
