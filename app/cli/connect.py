"""`connect`: connect a number of Meta's to this gateway."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli.base import Command
from app.cli.tables import json_option
from app.config.parsers import ROOT

if TYPE_CHECKING:
    from app.services.connecting import Number, Step

_SIGNS = {
    "done": ("✓", "green"), "already": ("✓", "green"), "would": ("…", "cyan"), "warn": ("!", "yellow"),
    "skipped": ("–", "bright_black"), "failed": ("✗", "red"),
}  # fmt: skip


@click.command(cls=Command)
@click.option("--app-id", help="The Meta app's id. [WHATSAPP_APP_ID]")
@click.option("--waba", default="", help="The business account's id, if the token reaches several.")
@click.option("--number", default="", help="The number, or its id, if there are several.")
@click.option("--pin", default="", help="Six digits: the PIN of two-step verification, to register the number.")
@click.option("--public-url", default="", help="The https address that leads here. [PUBLIC_URL]")
@click.option("--to", default="", help="The phone that gets a test, with its country code.")
@click.option("--template", default="", metavar="NAME:LANGUAGE", help="The template of the test.")
@click.option("--wait", default=60.0, show_default=True, help="Seconds to wait until the test is delivered.")
@click.option("--no-test", is_flag=True, help="Send no test.")
@click.option("--replace", is_flag=True, help="Set settings anew that stand in .env with another value.")
@click.option("--replace-callback", is_flag=True, help="Replace a callback at Meta that leads elsewhere.")
@click.option("--dry-run", is_flag=True, help="Look, ask and tell; change nothing, send nothing.")
@click.option("--non-interactive", is_flag=True, help="Ask nothing: what is missing is an error that names the option.")
@click.option(
    "--env-file", type=click.Path(dir_okay=False, path_type=Path), default=ROOT / ".env", show_default=".env",
    help="The file of settings that is added to.",
)  # fmt: skip
@json_option
def connect(as_json: bool, env_file: Path, non_interactive: bool, **given: object) -> None:
    """Connect a WhatsApp number to this gateway, from the app's id, its secret and an access token alone.

    Finds the accounts and numbers of the token, registers the number where needed, subscribes the app, saves the
    callback at PUBLIC_URL, adds the settings to .env, sends a template to a phone of yours and waits until it is
    delivered. Each step looks first whether it was done: run it as often as you like. Secret and token are asked for,
    or taken from WHATSAPP_APP_SECRET and WHATSAPP_ACCESS_TOKEN. docs/connect.md says where Meta shows all of this.

    \b
    Examples:
      flask connect
      flask connect --dry-run
      flask connect --number "+54 9 11 1234 5678" --to +5491187654321
      flask connect --non-interactive --json --no-test
    """
    from app.cli.connecting import Connecting, Options, Stopped

    ask = None if non_interactive or as_json or not _is_terminal() else Person()
    told: list[Step] = []

    def tell(step: Step) -> None:
        told.append(step)
        if not as_json:
            _print(step)

    options = Options(env_file=env_file, **given)  # type: ignore[arg-type]
    run = Connecting(options, ask, tell, lambda text: None if as_json else click.echo(f"    {text}"))
    try:
        run()
    except Stopped:
        pass
    failed = any(step.state == "failed" for step in told)
    if as_json:
        added, different = run.settings
        click.echo(json.dumps(
            {"connected": not failed, "steps": [asdict(step) for step in told],
             "settings": {"added": added, "different": different}}, indent=1,
        ))  # fmt: skip
    elif not failed:
        click.echo("\nThat would be all; nothing was changed." if options.dry_run else "\nConnected.")
    if failed:
        raise SystemExit(1)


def _is_terminal() -> bool:
    """Return whether a person can be asked."""
    return sys.stdin.isatty()


def _print(step: Step) -> None:
    sign, colour = _SIGNS[step.state]
    styled = click.style(sign, fg=colour) if sys.stdout.isatty() else sign
    click.echo(f"{styled} {step.name}: {step.text}")
    if step.remedy:
        click.echo(f"    → {step.remedy}")


class Person:
    """Who sits at the terminal."""

    def text(self, question: str, default: str = "") -> str:
        """Ask for a line."""
        return str(click.prompt(question, default=default, show_default=bool(default))).strip()

    def secret(self, question: str) -> str:
        """Ask for a line that is not shown."""
        return str(click.prompt(question, hide_input=True)).strip()

    def number(self, numbers: list[Number]) -> Number:
        """Ask which number."""
        for place, each in enumerate(numbers, 1):
            click.echo(f"  {place}  {each.label}, account {each.waba_id}")
        chosen = click.prompt("Which number?", type=click.IntRange(1, len(numbers)))
        return numbers[chosen - 1]

    def sure(self, question: str) -> bool:
        """Ask yes or no; no is the default."""
        return bool(click.confirm(question))
