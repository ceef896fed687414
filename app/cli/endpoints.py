"""`endpoints …`: the user's apps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from app.cli.base import CommandGroup, services
from app.cli.tables import json_option, show

if TYPE_CHECKING:
    from app.services.endpoints.manage import ManageEndpoints


@click.group(cls=CommandGroup)
def endpoints() -> None:
    """Your apps: where events are posted."""


def _manage() -> ManageEndpoints:
    return services().gateway.manage_endpoints


@endpoints.command("add")
@click.argument("url")
@click.option("--type", "types", multiple=True, help="message.received, message.*, …; without any, all.")
@click.option("--number", "numbers", multiple=True, help="A phone_number_id; without any, all.")
@click.option("--replies", is_flag=True, help="Send what the app answers to the customer.")
@click.option("--unordered", is_flag=True, help="Do not wait for a contact's earlier events.")
@click.option("--meta", is_flag=True, help="Post Meta's own notifications, signed as Meta does.")
@click.option("--no-split", is_flag=True, help="With --meta: whole notifications, in no order, and no item by itself.")
@click.option("--batch", type=click.IntRange(1, 100), help="Post up to so many events at once.")
@click.option("--debounce", type=click.IntRange(1, 300), help="Join what a contact writes until it pauses so long (s).")
def add(
    url: str, types: tuple[str, ...], numbers: tuple[str, ...], replies: bool, unordered: bool, meta: bool,
    no_split: bool, batch: int | None, debounce: int | None,
) -> None:  # fmt: skip
    """Add an app and print its id and its secret. The secret cannot be shown again."""
    from app.schemas.api.endpoints import EndpointRequest
    from app.schemas.loading import load

    asked = load(
        EndpointRequest(),
        {
            "url": url,
            "types": list(types) or None,
            "numbers": list(numbers) or None,
            "replies": replies,
            "ordered": not (unordered or no_split),
            "split": not no_split,
            "format": "meta" if meta else "event",
            "batch": batch,
            "debounce_seconds": debounce,
        },
    )
    row, secret = _manage().add(asked)
    click.echo(f"{row.id}\n{secret}")


@endpoints.command("list")
@json_option
def show_all(as_json: bool) -> None:
    """Show all apps, without their secrets."""
    from app.schemas.api.endpoints import EndpointAnswer

    shown = [EndpointAnswer().dump(row) for row in _manage().list()]
    rows = [{key: each[key] for key in ("id", "state", "url", "handler", "disabled_reason")} for each in shown]
    show(rows, as_json=as_json, empty="There is no app yet: add one by `endpoints add URL`, or set FORWARD_URL.")


@endpoints.command("remove")
@click.argument("endpoint_id")
def remove(endpoint_id: str) -> None:
    """Remove an app. What it was still owed is dead."""
    _manage().remove(endpoint_id)


@endpoints.command("test")
@click.argument("endpoint_id")
def test(endpoint_id: str) -> None:
    """Post a test event and say what came of it, and of the latest messages. Exits with 1 if that is no success."""
    tested = _manage().test(endpoint_id)
    answer = tested.answer
    click.echo(f"{answer.error or f'answered {answer.status}'} after {answer.seconds:.2f} s")
    for warning in tested.warnings:
        click.echo(f"- {warning}")
    if not answer.is_success:
        raise SystemExit(1)
