"""`numbers …`: the business numbers beside the one in the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from app.cli.base import CommandGroup, services
from app.cli.tables import json_option, show
from app.clock import utc_now

if TYPE_CHECKING:
    from app.services.numbers import Report


@click.group(cls=CommandGroup)
def numbers() -> None:
    """Business numbers beside the one in the settings."""


@numbers.command("add")
@click.argument("phone_number_id")
@click.option("--display", help="The number as people dial it.")
@click.option("--waba", help="Its business account's id.")
@click.option("--app", "app_id", help="The id of the Meta app it belongs to, if not the settings' own.")
@click.option("--token", is_flag=True, help="Ask for an access token of its own.")
@click.option("--secret", is_flag=True, help="Ask for its app's secret (several, comma-separated, while rotating).")
@click.option("--rate", type=click.FloatRange(0, 1000, min_open=True), help="Messages a second that Meta allows it.")
def add_number(
    phone_number_id: str,
    display: str | None,
    waba: str | None,
    app_id: str | None,
    token: bool,
    secret: bool,
    rate: float | None,
) -> None:
    """Add a number. Token and secret are asked for, so that they stand in no shell history."""
    from app.services.numbers import save_number

    access_token = click.prompt("Access token", hide_input=True) if token else None
    secrets = click.prompt("App secret", hide_input=True).split(",") if secret else []
    save_number(
        services().database,
        services().encryptor,
        utc_now(),
        phone_number_id=phone_number_id,
        display_phone_number=display,
        waba_id=waba,
        app_id=app_id,
        access_token=access_token,
        app_secrets=[each.strip() for each in secrets],
        rate=rate,
    )


@numbers.command("list")
@json_option
def list_numbers(as_json: bool) -> None:
    """Show all numbers, the settings' own too, without their secrets."""
    rows = [
        {
            "phone_number_id": number.phone_number_id,
            "phone": f"+{number.display_phone_number}" if number.display_phone_number else None,
            "waba_id": number.waba_id or None,
            "app": number.app,
            "messages_per_second": float(number.rate),
        }
        for number in services().directory.read().numbers.values()
    ]
    show(rows, as_json=as_json, empty="There is no number yet: set WHATSAPP_PHONE_NUMBER_ID, or `numbers add` one.")


@numbers.command("remove")
@click.argument("phone_number_id")
def delete_number(phone_number_id: str) -> None:
    """Forget a number that was added."""
    from app.services.numbers import remove_number

    remove_number(services().database, phone_number_id, utc_now())


@numbers.command("check")
@click.argument("phone_number_ids", nargs=-1)
def check_numbers(phone_number_ids: tuple[str, ...]) -> None:
    """Ask Meta how numbers are, all of them unless some are named. Exits with 1 unless all are known to be well.

    What Meta could not be asked is unknown, and not well.
    """
    asked = phone_number_ids or tuple(services().directory.read().numbers)
    reports = [services().gateway.check_number(number_id) for number_id in asked]
    for report in reports:
        _print_report(report)
    if not all(report.ok for report in reports):
        raise SystemExit(1)


_VERDICTS = {"ok": "works", "problem": "has a PROBLEM", "unknown": "UNKNOWN: not everything could be asked"}


def _print_report(report: Report) -> None:
    click.echo(f"{report.phone_number_id}: {_VERDICTS[report.state]}")
    for finding in report.findings:
        value = f" ({finding.value})" if finding.value else ""
        click.echo(f"  {finding.state:8}{finding.name}: {finding.text}{value}")
        if finding.remedy:
            click.echo(f"{'':10}→ {finding.remedy}")
