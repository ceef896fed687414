"""Commands that ask the API: here and from another machine, for people, pipes and programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import partial

import pytest
from click.testing import CliRunner, Result

from app.cli.commands import commands
from app.container import Gateway
from app.services.audit_log import list_entries
from app.store.audit_log import AuditFilter
from tests.cli.conftest import Run
from tests.client.conftest import database_url, url
from tests.client.test_client import now_text
from tests.conftest import API_KEY
from tests.factories import ANA, change, contact, notification
from whatsapp_service_client import Client

__all__ = ["database_url", "url"]

Receive = Callable[..., None]


@pytest.fixture
def wrote(receive: Receive) -> None:
    receive(notification(change(messages=[now_text("Hola\n[bold]amigos[/bold]\x1b[31m")], contacts=[contact()])))


@pytest.fixture
def away(url: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run a command as on another machine: without the application, by the HTTP API."""
    monkeypatch.setenv("GATEWAY_URL", url)
    monkeypatch.setenv("API_KEY", API_KEY)
    return lambda *arguments, **more: CliRunner().invoke(commands, arguments, prog_name="whatsapp-service", **more)


@pytest.mark.parametrize("address", ["http://gateway.invalid:9", "https://gateway.invalid:9", "http://127.0.0.1:9"])
def test_a_key_that_others_can_read_on_its_way_is_told(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("GATEWAY_URL", address)
    monkeypatch.setenv("API_KEY", API_KEY)
    monkeypatch.setattr("app.cli.api.Client", partial(Client, retries=0))

    told = CliRunner().invoke(commands, ["stats", "overview"], prog_name="whatsapp-service")

    assert "did not answer" in told.output
    assert ("can read the key" in told.output) == (address == "http://gateway.invalid:9")


@pytest.mark.usefixtures("wrote")
@pytest.mark.parametrize(
    "words",
    [
        ("messages", "list", "--json"),
        ("messages", "list"),
        ("contacts", "show", f"+{ANA}"),
        ("events", "list", "--json"),
        ("tail", "--after", "0", "--until-empty", "--json"),
        ("stats", "overview"),
        ("notifications", "list"),
        ("keys", "list", "--json"),
    ],
)
def test_another_machine_is_told_the_same(run: Run, away: Callable[..., Result], words: tuple[str, ...]) -> None:
    here, there = run(*words), away(*words)

    drop = ("at\t", "worker_seen", "webhooks.lag")
    lines = [[each for each in result.output.splitlines() if not each.startswith(drop)] for result in (here, there)]
    assert (here.exit_code, there.exit_code) == (0, 0), there.output
    assert lines[0] == lines[1] != []


@pytest.mark.usefixtures("wrote")
def test_json_is_the_apis_own(run: Run, get: Callable[..., object]) -> None:
    assert json.loads(run("messages", "list", "--limit", "1", "--json").output) == get("/api/messages", limit=1)
    assert json.loads(run("contacts", "show", f"+{ANA}", "--json").output) == get(f"/api/contacts/+{ANA}")


@pytest.mark.usefixtures("wrote")
def test_what_customers_write_cannot_paint_a_terminal(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for words in (("messages", "list"), ("tail", "--after", "0", "--until-empty"), ("events", "list")):
        said = run(*words).output
        assert "\x1b" not in said
        assert "[bold]amigos" in said


def test_a_send_is_queued_and_audited_under_who_ran_it(run: Run, gateway: Gateway) -> None:
    sent = run("send", f"+{ANA}", "Hola", "--queued")
    run("keys", "add", "crm")

    assert (sent.exit_code, sent.output.split(":")[0]) == (0, "queued")
    entries = list_entries(gateway.database, AuditFilter(act="key.made"), limit=1, before=None)
    assert [each.actor for each in entries] == ["cli"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("send", "nobody", "Hola"), "to: "),
        (("send", f"+{ANA}"), "Say what to send"),
        (("send", f"+{ANA}", "Hola", "--template", "x"), "Say what to send"),
        (("messages", "show", "none"), "No message has this id"),
        (("messages", "list", "--since", "yesterday"), "must be a time as"),
        (("messages", "list", "--cursor", "x"), "cursor: "),
        (("contacts", "change", f"+{ANA}"), "Say what to change"),
        (("endpoints", "add", "http://127.0.0.1/"), "url: "),
    ],
)
def test_a_mistake_is_said_in_words(run: Run, words: tuple[str, ...], said: str) -> None:
    result = run(*words)

    assert result.exit_code in (1, 2)
    assert said in result.output
    assert "Traceback" not in result.output


def test_what_the_key_of_another_machine_may_not_is_refused(
    away: Callable[..., Result], gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_KEY", gateway.api_keys.make("reader", ["read"], None))

    assert "This key lacks the scope `send`" in away("send", f"+{ANA}", "Hola").output
    assert away("messages", "list").output == "No message is like that.\n"
    assert "works on the gateway's own machine alone" in away("deliveries", "retry").output
    monkeypatch.setenv("API_KEY", "wrong")
    assert "`keys add` makes one there" in away("messages", "list").output
    monkeypatch.delenv("API_KEY")
    assert "set API_KEY to a key of it" in away("messages", "list").output
    monkeypatch.setenv("API_KEY", "wrong")
    monkeypatch.setenv("GATEWAY_URL", "gateway.example")
    assert "begins with http" in away("messages", "list").output


def test_a_check_says_why_not_and_exits_with_1(run: Run, receive: Receive) -> None:
    receive(notification(change(messages=[now_text() | {"timestamp": "1633024800"}], contacts=[contact()])))

    closed = run("send", f"+{ANA}", "Hola", "--check")

    assert (closed.exit_code, closed.output.split(":")[0]) == (1, "window_closed")
    assert json.loads(run("messages", "list", "--direction", "outbound", "--json").output)["data"] == []


@pytest.mark.usefixtures("wrote")
def test_a_table_fits_the_terminal(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.cli import tables

    monkeypatch.setattr(tables, "is_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    for words in (("messages", "list"), ("contacts", "list"), ("notifications", "list"), ("numbers", "list")):
        said = run(*words).output
        assert max(map(len, said.splitlines())) <= 80, said
        assert "id" in said
    assert sys.stdout is not None
