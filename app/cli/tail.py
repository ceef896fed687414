"""`tail`: what happens, as it happens."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from app.cli.api import api
from app.cli.base import Command
from app.cli.event_lines import colour_of, what_of


@click.command(cls=Command)
@click.option("--type", "kind", help="Only this type: message.received, message.status, …")
@click.option("--after", default="newest", show_default=True, help="A cursor; 0 for the beginning.")
@click.option("--until-empty", is_flag=True, help="End when there is no more.")
@click.option("--json", "as_json", is_flag=True, help="An event as JSON on each line, as the API has it.")
def tail(kind: str | None, after: str, until_empty: bool, as_json: bool) -> None:
    """Show what happens, as it happens. Ctrl-C ends it.

    \b
    Examples:
      tail
      tail --type message.received --json
      tail --after 0 --until-empty
    """
    from whatsapp_service_client import GatewayError

    stream = api().events(after, type=kind, until_empty=until_empty)
    write = _json if as_json else _writer()
    while True:
        try:
            for event in stream:
                write(event)
            return
        except KeyboardInterrupt:
            return
        except GatewayError as error:
            # Whoever watches wants to go on when the gateway is back; a wrong key will stay wrong.
            if not error.retryable or until_empty:
                raise
            click.echo(f"{error.message} Trying again ...", err=True)
            _pause()


def _pause() -> None:
    import time

    time.sleep(2)


def _json(event: Any) -> None:
    click.echo(json.dumps(event, ensure_ascii=False))
    sys.stdout.flush()


def _writer() -> Any:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)

    def write(event: Any) -> None:
        line = Text(f"{event['received_at'][:19]}Z  ", style="dim")
        line.append(f"{event['type']:<18} ", style=colour_of(event))
        line.append(what_of(event))
        console.print(line)
        sys.stdout.flush()

    return write
