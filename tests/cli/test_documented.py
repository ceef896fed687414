"""Every command of docs/cli.md, run as it stands there; and every command stands there."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import responses
from flask import Flask
from flask.testing import FlaskClient

from app.cli.commands import TABLE, commands
from app.config.parsers import ROOT
from tests.cli.conftest import Run
from tests.client.conftest import database_url
from tests.client.test_client import now_text
from tests.factories import ANA, PNID, WABA, change, contact, notification

__all__ = ["database_url"]

PAGE = (ROOT / "docs" / "cli.md").read_text()
LINES = [line.removeprefix("$ ./gateway ") for line in PAGE.splitlines() if line.startswith("$ ./gateway ")]
MARKED = set(re.findall(r"`(?:\./gateway )?([a-z]+)(?: [a-z-]+)*(?: …)?`", PAGE))
TEMPLATE = {
    "name": "order_ready",
    "language": "es",
    "status": "APPROVED",
    "category": "UTILITY",
    "components": [{"type": "BODY", "text": "Hola {{1}}, tu pedido {{2}} está listo."}],
}


@pytest.fixture
def meta() -> Iterator[responses.RequestsMock]:
    """Meta, which takes everything."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        sent = {"messages": [{"id": "wamid.sent=="}], "contacts": [{"wa_id": ANA}]}
        mock.post(f"https://graph.example/v26.0/{PNID}/messages", json=sent)
        mock.get(f"https://graph.example/v26.0/{WABA}/message_templates", json={"data": [TEMPLATE]})
        yield mock


def leaves(command: click.Command, path: str = "") -> Iterator[str]:
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from leaves(found, f"{path} {name}".strip())
    else:
        yield path


def test_every_command_stands_on_the_page() -> None:
    shown = {leaf for leaf in leaves(commands) if any(re.match(rf"{leaf}( |$)", line) for line in LINES)}

    elsewhere = {leaf for leaf in set(leaves(commands)) - shown if leaf.split()[0] in MARKED}
    assert set(leaves(commands)) - shown - elsewhere == set()
    assert {name for name in TABLE if name not in PAGE} == set()


ASKING = (
    "alerts batches contacts deliveries endpoints events keys media messages numbers people send stats tail templates"
).split()


NAMED = {
    "alerts": "Alerts", "audit": "Audit", "batches": "Batches", "contacts": "Contacts", "deliveries": "Deliveries",
    "endpoints": "Endpoints", "events": "Events", "keys": "Keys", "media": "Media", "messages": "Messages|Sending",
    "notifications": "Notifications", "numbers": "Numbers", "people": "People", "sends": "Sending",
    "stats": "Statistics", "templates": "Templates",
}  # fmt: skip
"""Groups of commands, and the sections of the API whose names they go by."""
OWN_NAMES = {
    "audit balance", "audit export", "audit verify",  # of the gateway's own machine
    "people enable", "people disable",  # `changePerson` with one field
    "sends list", "sends hold",  # of the gateway's own machine
}  # fmt: skip


def test_commands_go_by_the_names_of_the_api(client: FlaskClient) -> None:
    """`show` reads; any other is a word of an operation's name or path: `messages timeline`, `keys revoke`."""
    words: dict[str, set[str]] = {}
    for path, methods in client.get("/openapi.json").get_json()["paths"].items():
        for operation in methods.values():
            named = re.findall("[A-Z]?[a-z]+", operation["operationId"])
            found = words.setdefault(operation["tags"][0], {"show"})
            found |= {word.lower() for word in named} | set(path.strip("/").split("/"))
            found |= {"".join(named[:2]).lower()}
    others = set()
    for group, verb in (leaf.split() for leaf in leaves(commands) if leaf.split()[0] in NAMED):
        known = set().union(*(words[tag] for tag in NAMED[group].split("|")))
        if verb not in known and not set(verb.split("-")) <= known:
            others.add(f"{group} {verb}")

    assert others == OWN_NAMES
    asked_for = "send tail backup " + " ".join(set(NAMED) - {"sends"})
    assert set(asked_for.split()) <= set(TABLE)


@pytest.mark.parametrize("leaf", [leaf for leaf in leaves(commands) if leaf.split()[0] in ASKING])
def test_help_has_an_example(leaf: str, run: Run) -> None:
    said = run(*leaf.split(), "--help").output

    assert re.search(rf"Examples?:\n\s+{leaf}", said), said


@pytest.mark.usefixtures("meta")
def test_the_page_works_as_it_stands_there(
    run: Run, app: Flask, receive: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    receive(notification(change(messages=[now_text("Hola, mi pedido")], contacts=[contact()])))
    monkeypatch.chdir(tmp_path)
    Path("bill.pdf").write_bytes(b"%PDF-1.7\n" + b"bill " * 100)
    place = {"latitude": -34.6, "longitude": -58.4}
    Path("location.json").write_text(json.dumps({"type": "location", "location": place}))
    sends = [{"to": f"+{ANA}", "message": f"{number}"} for number in range(3)]
    Path("sends.jsonl").write_text("\n".join(map(json.dumps, sends)))

    def first(*arguments: str) -> str:
        found: Any = json.loads(run(*arguments, "--json").output)["data"]
        return str(found[0]["id"])

    known = {
        "message": lambda: first("messages", "list", "--direction", "inbound"),
        "queued": lambda: first("messages", "list", "--direction", "outbound"),
        "batch": lambda: first("batches", "list"),
        "contact": lambda: first("contacts", "list"),
        "file": lambda: first("media", "list"),
        "notification": lambda: first("notifications", "list"),
        "endpoint": lambda: first("endpoints", "list"),
        "delivery": lambda: first("deliveries", "list"),
    }
    ids: dict[str, str] = {}
    for line in LINES:
        words = []
        for word in shlex.split(line):
            if word.startswith("$"):
                word = ids.get(word) or ids.setdefault(word, known[word[1:]]())
            words.append(word)
        result = run(*words)
        assert result.exit_code == 0, f"{line}: {result.output}"
        assert "Traceback" not in result.output
        if line.startswith("endpoints add"):
            receive(notification(change(messages=[now_text("otra vez")], contacts=[contact()])))
