"""An app's secret vouches for the people of its own numbers only."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.container import Gateway
from app.db.database import Database
from app.models import Contact, ContactAlias, Notification
from app.services.numbers.save import change_number, save_number
from app.services.registries.numbers import NumberDirectory
from app.services.registries.versions import Registry
from tests.conftest import API_KEY, with_settings
from tests.factories import ANA, BO, OTHER_PNID, OTHER_WABA, contact, message_body, notification, text

Receive = Callable[..., None]
THEIR_SECRET = "secret-of-the-other-app-0123456789"


def of_theirs(*messages: Any, **more: Any) -> Any:
    return message_body(*messages, number=OTHER_PNID, **more)


def changed_number(was: str, now: str) -> dict[str, Any]:
    this = text(sender=was) | {"type": "system", "system": {"type": "user_changed_number", "wa_id": now}}
    del this["text"]
    return this


def test_a_profile_signed_by_another_app_is_another_contacts(
    receive: Receive, database: Database, other_app: None
) -> None:
    receive(message_body(text(), contacts=[contact(ANA, "Ana", user_id="AR.1")]))
    receive(of_theirs(text(), contacts=[contact(ANA, "Mallory", user_id="AR.666")]), secret=THEIR_SECRET)

    ours, theirs = people(database)
    assert (ours.name, ours.user_id, theirs.name, theirs.user_id) == ("Ana", "AR.1", "Mallory", "AR.666")
    assert owners(database) == {
        ("wa_id", ANA, ""): ours.id, ("user_id", "AR.1", ""): ours.id,
        ("wa_id", ANA, "222"): theirs.id, ("user_id", "AR.666", "222"): theirs.id,
    }  # fmt: skip


def test_a_changed_number_signed_by_another_app_merges_nobody_of_ours_and_is_quarantined(
    receive: Receive, database: Database, other_app: None
) -> None:
    receive(message_body(text(), text(sender=BO), contacts=[contact(ANA, "Ana"), contact(BO, "Bo")]))

    receive(of_theirs(changed_number(ANA, BO)), secret=THEIR_SECRET)

    assert [each.name for each in people(database)] == ["Ana", "Bo"]
    assert owners(database).keys() == {("wa_id", ANA, ""), ("wa_id", BO, "")}
    assert [row.state for row in notifications(database)] == ["processed", "quarantined"]  # which is an alert


def test_an_app_changes_the_numbers_of_its_own_people(receive: Receive, database: Database, other_app: None) -> None:
    receive(message_body(text()))
    receive(of_theirs(text()), secret=THEIR_SECRET)

    receive(of_theirs(changed_number(ANA, BO)), secret=THEIR_SECRET)

    ours, theirs = people(database)
    assert (ours.wa_id, theirs.wa_id) == (ANA, BO)
    assert {row.state for row in notifications(database)} == {"processed"}


def test_a_send_is_to_the_contact_of_the_sending_numbers_app(
    client: FlaskClient, receive: Receive, database: Database, other_app: None
) -> None:
    receive(message_body(text()))
    body: dict[str, Any] = {"to": f"+{ANA}", "mode": "queued", "type": "template"}
    body["template"] = {"name": "t", "language": {"code": "es"}}
    headers = {"Authorization": f"Bearer {API_KEY}"}

    answer = client.post("/send/whatsapp", json=body | {"phone_number_id": OTHER_PNID}, headers=headers)

    assert answer.status_code == 202, answer.get_json()
    ours, theirs = people(database)
    assert owners(database) == {("wa_id", ANA, ""): ours.id, ("wa_id", ANA, "222"): theirs.id}


def test_an_app_that_is_named_anew_keeps_its_people(
    gateway: Gateway, receive: Receive, database: Database, other_app: None
) -> None:
    receive(of_theirs(text()), secret=THEIR_SECRET)
    (before,) = people(database)
    changed = {"app_id": None, "app_secrets": ["another-secret-of-theirs-0123456789"]}

    change_number(database, gateway.encryptor, datetime.now(UTC), OTHER_PNID, changed)
    gateway.directory.refresh()
    receive(of_theirs(text()), secret="another-secret-of-theirs-0123456789")

    assert [each.id for each in people(database)] == [before.id]


def test_the_settings_app_that_gets_its_id_keeps_its_people(
    gateway: Gateway, receive: Receive, database: Database, other_app: None
) -> None:
    receive(of_theirs(text()), secret=THEIR_SECRET)

    settings = with_settings(gateway.config, whatsapp_app_id="222")
    NumberDirectory(settings, database, gateway.encryptor, Registry(database)).follow_settings()

    assert owners(database).keys() == {("wa_id", ANA, "")}


@pytest.fixture
def other_app(gateway: Gateway) -> None:
    """A number of ours that belongs to another Meta app."""
    save_number(
        gateway.database, gateway.encryptor, datetime.now(UTC), phone_number_id=OTHER_PNID, display_phone_number=None,
        waba_id=OTHER_WABA, app_id="222", access_token="EAAother", app_secrets=[THEIR_SECRET],
    )  # fmt: skip
    gateway.directory.refresh()


def people(database: Database) -> list[Contact]:
    with database.read() as session:
        return list(session.scalars(select(Contact).order_by(Contact.id)))


def owners(database: Database) -> dict[tuple[str, str, str], str]:
    with database.read() as session:
        return {(row.kind, row.value, row.app): row.contact_id for row in session.scalars(select(ContactAlias))}


def notifications(database: Database) -> list[Notification]:
    with database.read() as session:
        return list(session.scalars(select(Notification).order_by(Notification.id)))


def test_a_key_that_is_bound_to_numbers_hears_of_their_own_account_and_of_no_other(
    gateway: Gateway, receive: Receive, get: Callable[..., Any], other_app: None
) -> None:
    key = gateway.api_keys.make("theirs", ["read"], [OTHER_PNID])
    gone = {"field": "account_update", "value": {"event": "ACCOUNT_VIOLATION"}}

    receive(notification(gone))
    receive(notification(gone, waba=OTHER_WABA), secret=THEIR_SECRET)

    for more in ({}, {"type": "account.account_update"}, {"after": "0"}):
        (event,) = get("/api/events", key=key, **more)["data"]
        assert (event["data"]["waba_id"], event["data"]["phone_number_ids"]) == (OTHER_WABA, [OTHER_PNID])
    assert len(get("/api/events")["data"]) == 2
