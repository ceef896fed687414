from __future__ import annotations

import json
from collections.abc import Callable

import pytest
import responses
from flask import Flask
from sqlalchemy import delete

from app.container import Gateway
from app.db.database import Database
from app.migrations import current, head
from app.models import Event
from tests.cli.conftest import Run
from tests.conftest import with_settings
from tests.factories import OTHER_PNID, PNID, WABA, message_body, text


def test_migrate_can_be_run_again(run: Run, database: Database) -> None:
    assert run("migrate").exit_code == 0

    with database.engine.connect() as connection:
        assert current(connection) == head()


@pytest.mark.parametrize("url", ["sqlite:////proc/nowhere/whatsapp.db", "postgresql://postgres@127.0.0.1:1/x"])
def test_migrate_says_in_words_that_the_database_cannot_be_had(run: Run, app: Flask, url: str) -> None:
    app.extensions["gateway"] = Gateway.build(with_settings(app.extensions["gateway"].config, database_url=url), "0")

    result = run("migrate")

    assert result.exit_code == 1
    assert result.output.startswith("Error: ")
    assert "Traceback" not in result.output


def test_a_key_is_shown_once_and_works(run: Run, gateway: Gateway) -> None:
    result = run("keys", "add", "crm", "--scope", "read", "--number", PNID)

    key = result.output.strip()
    caller = gateway.api_keys.find(key)
    assert caller is not None
    assert (caller.name, caller.scopes, caller.numbers) == ("crm", {"read"}, (PNID,))
    listed = run("keys", "list").output
    assert listed.startswith(f"crm\tread\t{PNID}\tin use\t20")
    assert key not in listed


def test_deliveries_are_tried_again_by_endpoint(run: Run) -> None:
    assert run("deliveries", "retry").output == "0 that waited are due now; 0 that were dead begin anew.\n"

    unknown = run("deliveries", "retry", "--endpoint", "nobody")
    assert unknown.exit_code == 1
    assert "endpoints list" in unknown.output


def test_without_options_a_key_sends_and_reads_for_all_numbers(run: Run, gateway: Gateway) -> None:
    caller = gateway.api_keys.find(run("keys", "add", "crm").output.strip())

    assert caller is not None
    assert (caller.scopes, caller.numbers) == ({"send", "read"}, None)


@pytest.mark.parametrize("arguments", [("crm",), ("new", "--scope", "everything")])
def test_a_key_that_cannot_be_is_refused_in_words(run: Run, arguments: tuple[str, ...]) -> None:
    run("keys", "add", "crm")

    result = run("keys", "add", *arguments)

    assert result.exit_code == 1
    assert "Error: Some fields are not valid." in result.output


def test_a_revoked_key_is_revoked(run: Run) -> None:
    run("keys", "add", "crm")

    assert run("keys", "revoke", "crm").exit_code == 0
    assert "\trevoked\t" in run("keys", "list").output
    assert run("keys", "revoke", "crm").exit_code == 1


def test_a_number_is_added_listed_and_removed_without_its_secrets(run: Run, gateway: Gateway) -> None:
    secret = "their-secret-0123456789"

    added = run("numbers", "add", OTHER_PNID, "--display", "+1 555-0100", "--app", "22222", "--token", "--secret",
                input=f"EAAtheirs\n{secret}\n")  # fmt: skip

    assert added.exit_code == 0
    directory = gateway.directory.read()
    assert directory.numbers[OTHER_PNID].access_token == "EAAtheirs"
    assert directory.apps[directory.secrets.index(secret)] == "22222"
    listed = run("numbers", "list").output
    assert f"{OTHER_PNID}\t+15550100\t-\t22222" in listed
    assert PNID in listed
    assert "EAAtheirs" not in added.output + listed and secret not in added.output + listed
    assert run("numbers", "remove", OTHER_PNID).exit_code == 0
    assert run("numbers", "remove", OTHER_PNID).exit_code == 1


def test_numbers_are_checked_against_meta_in_plain_words(run: Run) -> None:
    with responses.RequestsMock() as graph:
        url = "https://graph.example/v26.0"
        graph.get(f"{url}/{PNID}", json={"display_phone_number": "+1 555", "quality_rating": "RED"})
        graph.get(f"{url}/debug_token", json={"data": {"is_valid": True, "scopes": []}})
        graph.get(f"{url}/{WABA}/subscribed_apps", json={"data": []})
        result = run("numbers", "check")

    assert result.exit_code == 1
    assert f"{PNID}: has a PROBLEM" in result.output
    assert "problem quality: Its quality is low" in result.output
    assert "→ Subscribe it" in result.output
    assert run("numbers", "check", "1").output.startswith("Error: ")


def test_a_number_that_meta_could_not_be_asked_about_is_not_well(run: Run) -> None:
    with responses.RequestsMock() as graph:
        for path in (PNID, "debug_token", f"{WABA}/subscribed_apps"):
            graph.get(f"https://graph.example/v26.0/{path}", status=503, body="<html>")
        result = run("numbers", "check")

    assert result.exit_code == 1
    assert result.output.startswith(f"{PNID}: UNKNOWN: not everything could be asked\n")
    assert "works" not in result.output


def test_the_audit_prints_the_books(run: Run, receive: Callable[..., None]) -> None:
    receive(message_body(text(), "poison"))

    result = run("audit", "balance", "--deep")

    assert result.exit_code == 0
    assert "Webhooks answered 200: 1 parked" in result.output
    assert result.output.endswith("The books balance.\n")
    books = json.loads(run("audit", "balance", "--json").output)
    assert books["balanced"] is True
    (page,) = books["items"]
    assert (page["phone_number_id"], page["processed"], page["parked"]) == (PNID, 1, 1)


@pytest.mark.parametrize("arguments", [(), ("--json",)])
def test_the_audit_fails_when_the_books_do_not_balance(
    run: Run, receive: Callable[..., None], database: Database, arguments: tuple[str, ...]
) -> None:
    receive(message_body(text()))
    with database.write() as session:
        session.execute(delete(Event))

    result = run("audit", "balance", *arguments)

    assert result.exit_code == 1
    assert "1 processed, 0 events" in result.output


def test_an_app_of_metas_format_may_ask_for_whole_notifications(run: Run, gateway: Gateway) -> None:
    ids = [
        run("endpoints", "add", "https://bot.example/", "--meta", *options).output.split()[0]
        for options in ((), ("--no-split",))
    ]

    rows = [gateway.manage_endpoints.find(id) for id in ids]
    assert [(row.split, row.ordered) for row in rows] == [(True, True), (False, False)]
    refused = run("endpoints", "add", "https://bot.example/", "--no-split")
    assert refused.exit_code == 1
    assert "split: false is for the format meta" in refused.output
