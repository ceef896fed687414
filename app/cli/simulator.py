"""`simulator`: stand in for Meta."""

from __future__ import annotations

import logging

import click

from app.cli.base import Command
from app.config.environment import load_environment


@click.command(cls=Command, context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def simulator(options: tuple[str, ...]) -> None:
    """Stand in for Meta: `python -m simulator serve` with the settings. `--help` shows its options."""
    from simulator.__main__ import main

    load_environment()
    logging.getLogger().handlers.clear()  # its lines are a program's of its own, and no part of the gateway's log
    raise SystemExit(main(["serve", *options]))
