"""`numbers …`: the business numbers beside the one in the settings."""

from __future__ import annotations

from typing import Any

import click

from app.cli.answers import Listed, answering, given_alone, listing, showing, write_json
from app.cli.api import api
from app.cli.base import CommandGroup
from app.cli.tables import Row, json_option


@click.group(cls=CommandGroup)
def numbers() -> None:
    """Business numbers beside the one in the settings."""


def _settings_of(command: Any) -> Any:
    for option in (
        click.option("--rate", type=click.FloatRange(0, 1000, min_open=True), help="Messages a second Meta allows it."),
        click.option("--secret", is_flag=True, help="Ask for its app's secret (several, with commas, while rotating)."),
        click.option("--token", is_flag=True, help="Ask for an access token of its own."),
        click.option("--app", "app_id", help="The id of the Meta app it belongs to, if not the settings' own."),
        click.option("--waba", "waba_id", help="Its business account's id."),
        click.option("--display", "display_phone_number", help="The number as people dial it."),
    ):
        command = option(command)
    return command


def _asked(token: bool, secret: bool, **more: Any) -> dict[str, Any]:
    access_token = click.prompt("Access token", hide_input=True) if token else None
    secrets = click.prompt("App secret", hide_input=True).split(",") if secret else []
    app_secrets = [each.strip() for each in secrets] or None
    return given_alone(access_token=access_token, app_secrets=app_secrets, **more)


@numbers.command("add")
@click.argument("phone_number_id")
@_settings_of
@answering(lambda number: f"{number['phone_number_id']} was added.")
def add_number(phone_number_id: str, **asked: Any) -> Any:
    """Add a number. Token and secret are asked for, so that they stand in no shell history.

    \b
    Example:
      numbers add 700100200300499 --display +15550100199 --waba 900100200300499 --token
    """
    return api().add_number(phone_number_id=phone_number_id, **_asked(**asked))


@numbers.command("change")
@click.argument("phone_number_id")
@_settings_of
@answering(lambda number: f"{number['phone_number_id']} was changed.")
def change_number(phone_number_id: str, **asked: Any) -> Any:
    """Change a number that was added; what is not named stays.

    \b
    Example:
      numbers change 700100200300499 --rate 250
    """
    changes = _asked(**asked)
    if not changes:
        raise click.UsageError("Say what to change; `numbers change --help` lists it.")
    return api().change_number(phone_number_id, **changes)


def _row(number: Any) -> Row:
    return {
        "phone_number_id": number["phone_number_id"],
        "phone": number["display_phone_number"],
        "waba_id": number["waba_id"],
        "app": number["app"],
        "messages_per_second": number["rate"],
    }


@numbers.command("list")
@listing(empty="There is no number yet: set WHATSAPP_PHONE_NUMBER_ID, or `numbers add` one.", paged=False)
def list_numbers() -> Listed:
    """Show all numbers, the settings' own too, without their secrets.

    \b
    Example:
      numbers list
    """
    return Listed(api().list_numbers(), _row)


@numbers.command("show")
@click.argument("phone_number_id")
@showing
def show_number(phone_number_id: str) -> Any:
    """Show a number, and how its queue moves.

    \b
    Example:
      numbers show 700100200300400
    """
    return api().get_number(phone_number_id)


@numbers.command("remove")
@click.argument("phone_number_id")
@answering(lambda answer: "Removed.")
def remove_number(phone_number_id: str) -> Any:
    """Forget a number that was added.

    \b
    Example:
      numbers remove 700100200300499
    """
    return api().remove_number(phone_number_id)


@numbers.command("check")
@click.argument("phone_number_ids", nargs=-1)
@json_option
def check_numbers(phone_number_ids: tuple[str, ...], as_json: bool) -> None:
    """Ask Meta how numbers are, all of them unless some are named. Exits with 1 unless all are known to be well.

    What Meta could not be asked is unknown, and not well.

    \b
    Example:
      numbers check
    """
    asked = phone_number_ids or [each["phone_number_id"] for each in api().list_numbers()]
    reports = []
    for number_id in asked:
        report = api().check_number(number_id)
        reports.append(report)
        if not as_json:
            _print_report(report)
    if as_json:
        write_json({"data": reports, "next_cursor": None})
    if not all(report["ok"] for report in reports):
        raise SystemExit(1)


_VERDICTS = {"ok": "works", "problem": "has a PROBLEM", "unknown": "UNKNOWN: not everything could be asked"}


def _print_report(report: Any) -> None:
    click.echo(f"{report['phone_number_id']}: {_VERDICTS[report['state']]}")
    for finding in report["findings"]:
        value = f" ({finding['value']})" if finding["value"] else ""
        click.echo(f"  {finding['state']:8}{finding['name']}: {finding['text']}{value}")
        if finding["remedy"]:
            click.echo(f"{'':10}→ {finding['remedy']}")
