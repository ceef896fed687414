"""`endpoints …`: the user's apps."""

from __future__ import annotations

from typing import Any

import click

from app.cli.answers import Listed, answering, given_alone, listing, showing, time_option, write_json
from app.cli.api import api
from app.cli.base import CommandGroup
from app.cli.tables import Row, json_option


@click.group(cls=CommandGroup)
def endpoints() -> None:
    """Your apps: where events are posted."""


@endpoints.command("add")
@click.argument("url")
@click.option("--type", "types", multiple=True, help="message.received, message.*, …; without any, all.")
@click.option("--number", "numbers", multiple=True, help="A phone_number_id; without any, all.")
@click.option("--replies", is_flag=True, help="Send what the app answers to the customer.")
@click.option("--unordered", is_flag=True, help="Do not wait for a contact's earlier events.")
@click.option("--meta", is_flag=True, help="Post Meta's own notifications, signed as Meta does.")
@click.option("--no-split", is_flag=True, help="With --meta: whole notifications, in no order, and no item by itself.")
@click.option("--batch", type=click.IntRange(1, 100), help="Post up to so many events at once.")
@click.option("--description", help="What you call it.")
@click.option("--debounce", type=click.IntRange(1, 300), help="Join what a contact writes until it pauses so long (s).")
@answering(lambda made: f"{made['id']}\n{made['secret']}")
def add(
    url: str, types: tuple[str, ...], numbers: tuple[str, ...], replies: bool, unordered: bool, meta: bool,
    no_split: bool, batch: int | None, debounce: int | None, description: str | None,
) -> Any:  # fmt: skip
    """Add an app and print its id and its secret. The secret cannot be shown again.

    \b
    Example:
      endpoints add https://crm.example/events --type message.received
    """
    return api().add_endpoint(
        url=url,
        types=list(types) or None,
        numbers=list(numbers) or None,
        replies=replies,
        ordered=not (unordered or no_split),
        split=not no_split,
        format="meta" if meta else "event",
        batch=batch,
        debounce_seconds=debounce,
        **given_alone(description=description),
    )


def _row(endpoint: Any) -> Row:
    return {key: endpoint[key] for key in ("id", "state", "url", "handler", "disabled_reason")}


@endpoints.command("list")
@listing(empty="There is no app yet: add one by `endpoints add URL`, or set FORWARD_URL.", paged=False)
def list_endpoints() -> Listed:
    """Show all apps, without their secrets.

    \b
    Example:
      endpoints list
    """
    return Listed(api().list_endpoints(), _row)


@endpoints.command("show")
@click.argument("endpoint_id")
@showing
def show_endpoint(endpoint_id: str) -> Any:
    """Show all that is set of an app.

    \b
    Example:
      endpoints show 01a229f4-0a42-7183-b877-3ee692261bdb
    """
    return api().get_endpoint(endpoint_id)


@endpoints.command("change")
@click.argument("endpoint_id")
@click.option("--url")
@click.option("--description")
@click.option("--type", "types", multiple=True, help="These alone; * is every type.")
@click.option("--number", "numbers", multiple=True, help="These phone_number_ids alone; * is every number.")
@click.option("--paused/--resumed", default=None, help="Owe it everything, and deliver nothing for now.")
@click.option("--disabled/--enabled", default=None, help="Owe it nothing more.")
@click.option("--replies/--no-replies", default=None, help="Send what it answers to the customer.")
@answering(lambda endpoint: f"{endpoint['id']} is {endpoint['state']}.")
def change(endpoint_id: str, types: tuple[str, ...], numbers: tuple[str, ...], **asked: Any) -> Any:
    """Change an app; what is not named stays.

    \b
    Example:
      endpoints change 01a229f4-0a42-7183-b877-3ee692261bdb --paused
    """
    changes = given_alone(**asked)
    for name, values in (("types", types), ("numbers", numbers)):
        if values:
            changes[name] = None if "*" in values else list(values)
    if not changes:
        raise click.UsageError("Say what to change; `endpoints change --help` lists it.")
    return api().change_endpoint(endpoint_id, **changes)


@endpoints.command("remove")
@click.argument("endpoint_id")
@answering(lambda answer: "Removed.")
def remove(endpoint_id: str) -> Any:
    """Remove an app. What it was still owed is dead.

    \b
    Example:
      endpoints remove 01a229f4-0a42-7183-b877-3ee692261bdb
    """
    return api().remove_endpoint(endpoint_id)


@endpoints.command("rotate-secret")
@click.argument("endpoint_id")
@answering(lambda made: str(made["secret"]))
def rotate_secret(endpoint_id: str) -> Any:
    """Give an app a new secret and print it. Events carry a signature of the old one, too, for a day.

    \b
    Example:
      endpoints rotate-secret 01a229f4-0a42-7183-b877-3ee692261bdb
    """
    return api().rotate_endpoint_secret(endpoint_id)


@endpoints.command("replay")
@click.argument("endpoint_id")
@time_option("--since", "Events from this time on.")
@time_option("--until", "Before this time.")
@click.option("--dead", is_flag=True, help="What it did not take.")
@click.option("--event", "event_id", help="This event.")
@answering(lambda answer: f"{answer['count']} to be delivered again.")
def replay(endpoint_id: str, dead: bool, **asked: Any) -> Any:
    """Deliver events to an app once more, marked as a replay.

    \b
    Example:
      endpoints replay 01a229f4-0a42-7183-b877-3ee692261bdb --since 2026-11-30T08:00:00Z
    """
    chosen = given_alone(**asked, dead=True if dead else None)
    if not chosen:
        raise click.UsageError("Say which events: --since, --dead or --event.")
    return api().replay_events(endpoint_id, **chosen)


@endpoints.command("test")
@click.argument("endpoint_id")
@json_option
def test(endpoint_id: str, as_json: bool) -> None:
    """Post a test event and say what came of it, and of the latest messages. Exits with 1 if that is no success.

    \b
    Example:
      endpoints test 01a229f4-0a42-7183-b877-3ee692261bdb
    """
    tested = api().test_endpoint(endpoint_id)
    if as_json:
        write_json(tested)
    else:
        said = tested["error"] or f"answered {tested['status']}"
        click.echo(f"{said} after {tested['duration_ms'] / 1000:.2f} s")
        for warning in tested["warnings"]:
            click.echo(f"- {warning}")
    if not tested["success"]:
        raise SystemExit(1)
