"""`messages …`: what was written and sent, and what became of it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from app.cli.answers import Listed, answering, given_alone, listing, showing, time_option, when, write_json
from app.cli.api import api
from app.cli.base import CommandGroup
from app.cli.tables import Row, json_option, show


@click.group(cls=CommandGroup)
def messages() -> None:
    """Messages, in and out, and what became of them."""


def who(message: Any) -> str | None:
    """The customer of a message: the name if it is known, else phone number or id."""
    contact = message.get("contact") or {}
    other = message["sender"] if message["direction"] == "inbound" else message["recipient"]
    name: str | None = contact.get("name") or other
    return name


def _row(message: Any) -> Row:
    return {
        "at": when(message["timestamp"]),
        "": "←" if message["direction"] == "inbound" else "→",
        "contact": who(message),
        "message": message["message"],
        "status": message["status"],
        "id": message["id"],
    }


@messages.command("list")
@click.option("--contact", help="A phone number, or the id of a contact.")
@click.option("--direction", type=click.Choice(["inbound", "outbound"]))
@click.option("--status", help="received, queued, sent, delivered, read, failed, …")
@click.option("--type", help="text, image, button, …")
@click.option("--number", "phone_number_id", help="A phone_number_id of ours.")
@click.option("--batch", help="The id of a batch.")
@click.option("--q", help="Words in the message; hol* for a beginning.")
@click.option("--find", help="Whatever is known: an id, a phone number, words.")
@time_option("--since", "Not before this time.")
@time_option("--until", "Before this time.")
@listing(empty="No message is like that.")
def list_messages(**query: Any) -> Listed:
    """Show messages, newest first.

    \b
    Examples:
      messages list --contact +5491112345678
      messages list --status failed --since 2026-11-30
      messages list --q "pedido" --json
    """
    return Listed(api().list_messages(**query), _row)


@messages.command("show")
@click.argument("message_id")
@showing
def show_message(message_id: str) -> Any:
    """Show one message, by our id or Meta's (wamid).

    \b
    Example:
      messages show 01a20c83-9c99-716b-8b07-2a3001233244
    """
    return api().get_message(message_id)


@messages.command("timeline")
@click.argument("message_id")
@json_option
def timeline(message_id: str, as_json: bool) -> None:
    """Show everything that happened to a message, oldest first.

    \b
    Example:
      messages timeline 01a20c83-9c99-716b-8b07-2a3001233244
    """
    found = api().get_message_timeline(message_id).first()
    if as_json:
        write_json({"data": list(found), "next_cursor": None})
        return
    show([{"at": when(each["at"]), "what": each["what"], "": _happened(each)} for each in found], empty="Nothing.")


def _happened(each: Any) -> str:
    error = each.get("error") or {}
    parts = [
        each.get("status"),
        each.get("type"),
        f"attempt {each['attempt']}" if each.get("attempt") else None,
        each.get("app"),
        f"{each['duration_ms']} ms" if each.get("duration_ms") is not None else None,
        f"{error.get('code', '')} {error.get('title') or error.get('message') or ''}".strip(),
        each.get("note"),
    ]
    return ", ".join(part for part in parts if part)


def _moved(answer: Any) -> str:
    return f"{answer['id']} is {answer['status']}."


@messages.command("retry")
@click.argument("message_id")
@click.option("--force", is_flag=True, help="Leave the checks of window and opt-out to Meta.")
@answering(_moved)
def retry(message_id: str, force: bool) -> Any:
    """Send a message again that failed, expired, was cancelled or is held.

    \b
    Example:
      messages retry 01a20c83-a1df-75c2-b289-e40547813230
    """
    return api().retry_message(message_id, force=force or None)


@messages.command("cancel")
@click.argument("message_id")
@answering(_moved)
def cancel(message_id: str) -> Any:
    """Do not send a message that still waits, or is held.

    \b
    Example:
      messages cancel 01a20c83-a1df-75c2-b289-e40547813230
    """
    return api().cancel_message(message_id)


@messages.command("mark-sent")
@click.argument("message_id")
@answering(_moved)
def mark_sent(message_id: str) -> Any:
    """Say that a held message went out after all, as Meta's pages or the customer know.

    \b
    Example:
      messages mark-sent 01a20c83-a1df-75c2-b289-e40547813230
    """
    return api().mark_message_sent(message_id)


@messages.command("read")
@click.argument("message_id")
@answering(lambda answer: "The customer sees that it was read.")
def read(message_id: str) -> Any:
    """Show the customer that a message was read.

    \b
    Example:
      messages read 01a20c83-9c99-716b-8b07-2a3001233244
    """
    return api().mark_message_read(message_id)


BULK_SIZE = 500


@messages.command("bulk")
@click.argument("file", type=click.File(encoding="utf-8"))
@click.option("--name", help="What the batch is called.")
@click.option("--number", "phone_number_id", help="The phone_number_id that sends.")
@click.option("--priority", type=click.Choice(["reply", "normal", "bulk"]))
@json_option
def bulk(file: Any, as_json: bool, **more: Any) -> None:
    """Queue many messages: FILE has a send body as JSON on each line; - is stdin.

    Each 500 of them are a batch of their own. Run again with the same file, it may send again: keep what it printed.

    \b
    Example:
      messages bulk sends.jsonl --name "Order updates"
    """
    bodies = _read_bodies(file)
    batches: list[str] = []
    data: list[Any] = []
    with _progress(len(bodies)) as advance:
        for start in range(0, len(bodies), BULK_SIZE):
            answer = api().send_messages(messages=bodies[start : start + BULK_SIZE], **given_alone(**more))
            data += answer["data"]
            batches += [answer["batch"]] if answer["batch"] else []
            advance(len(answer["data"]))
    refused = [
        {"message": place, "code": each["error"]["code"], "why": each["error"]["message"]}
        for place, each in enumerate(data, 1)
        if not each["success"]
    ]
    if as_json:
        write_json({"batches": batches, "data": data})
    else:
        click.echo(f"{len(data) - len(refused)} queued: batch {', '.join(batches) or 'none'}.")
        if refused:
            show(refused, empty="")
    if refused:
        raise SystemExit(1)


def _read_bodies(file: Any) -> list[Any]:
    bodies = []
    for number, line in enumerate(file, 1):
        if line.strip():
            try:
                bodies.append(json.loads(line))
            except ValueError:
                raise click.UsageError(f"Line {number} is no JSON.") from None
    if not bodies:
        raise click.UsageError("The file has no message.")
    return bodies


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int], None]]:
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("queued", total=total)
        yield lambda count: bar.advance(task, count)
