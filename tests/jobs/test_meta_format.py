"""An app that was written for Meta's webhooks works behind the gateway unchanged."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from sqlalchemy import update

from app.domain import tags
from app.errors import Invalid
from app.models import Notification
from app.schemas.meta_body import meta_body
from app.security.meta_signatures import verify_meta_signature
from app.services.operations.audit import audit_balance
from tests.conftest import on_sqlite
from tests.factories import (
    ANA,
    BO,
    OTHER_PNID,
    change,
    contact,
    echo,
    echo_body,
    message_body,
    notification,
    status,
    status_body,
    text,
    to_bytes,
)
from tests.jobs.conftest import SECRET, Harness
from tests.subscriber import answering, subscriber

Receive = Callable[..., None]


def test_a_single_item_comes_byte_for_byte_and_signed_as_meta_signs(harness: Harness, receive: Receive) -> None:
    body = message_body(text("¡Hola!"), contacts=[contact()])
    with subscriber() as app:
        harness.endpoint(app.url, format="meta")
        receive(body)
        harness.rounds()

    (posted,) = app.posted
    assert posted.body == to_bytes(body)
    assert verify_meta_signature([SECRET], posted.body, posted.headers["x-hub-signature-256"]) == 0


@pytest.mark.parametrize("ordered", [True, False])
def test_a_batch_comes_item_by_item_and_only_what_is_new(harness: Harness, receive: Receive, ordered: bool) -> None:
    known, new, other = text("known", id="wamid.1"), text("new", id="wamid.2"), text("other", sender=BO, id="wamid.3")
    batch = notification(
        change(messages=[known, new], statuses=[status("wamid.X")], contacts=[contact()]), change(messages=[other])
    )
    with subscriber() as app:
        harness.endpoint(app.url, format="meta", ordered=ordered)
        receive(message_body(known), batch)
        harness.rounds()

    for each in app.posted:
        assert verify_meta_signature([SECRET], each.body, each.headers["x-hub-signature-256"]) == 0
    assert len({posted.id for posted in app.posted}) == 4
    values = [json.loads(posted.body)["entry"][0]["changes"][0]["value"] for posted in app.posted]
    said = sorted(message["id"] for value in values for message in value.get("messages", []))
    assert said == ["wamid.1", "wamid.2", "wamid.3"]
    assert [value["statuses"][0]["id"] for value in values if "statuses" in value] == ["wamid.X"]
    assert all(len(value.get("messages", [])) + len(value.get("statuses", [])) == 1 for value in values)


@pytest.mark.parametrize("own", ["order-7", None])
def test_our_tag_is_taken_out_and_the_senders_own_is_given_back(own: str | None) -> None:
    tagged = status("wamid.X", biz_opaque_callback_data=tags.make("0" * 36, 1))

    body = meta_body(to_bytes(status_body(tagged)), {0: own})

    assert body is not None
    assert json.loads(body)["entry"][0]["changes"][0]["value"]["statuses"][0].get("biz_opaque_callback_data") == own


def test_echoes_and_whatever_is_no_list_come_too() -> None:
    echoes = echo_body(echo("wamid.1", to=ANA), echo("wamid.2", to=ANA))
    account = notification({"field": "account_update", "value": {"event": "VERIFIED"}}, change(messages=[text()]))

    second = meta_body(to_bytes(echoes), {1: None})
    first = meta_body(to_bytes(account), {0: None})

    assert second is not None and first is not None
    value = json.loads(second)["entry"][0]["changes"][0]["value"]
    assert [each["id"] for each in value["message_echoes"]] == ["wamid.2"]
    assert json.loads(first)["entry"][0]["changes"] == [
        {"field": "account_update", "value": {"event": "VERIFIED"}}
    ]
    assert meta_body(to_bytes(account), {2: None}) is None
    assert meta_body(b"{", {0: None}) is None


def test_whole_a_notification_is_one_post_and_comes_byte_for_byte(harness: Harness, receive: Receive) -> None:
    body = message_body(text("1"), text("2", sender=BO), contacts=[contact(), contact(BO, "Bo")])
    with subscriber() as app:
        harness.endpoint(app.url, format="meta", ordered=False, split=False)
        receive(body, message_body(text("3")))
        harness.rounds()

    assert to_bytes(body) in {posted.body for posted in app.posted}
    assert len(app.posted) == 2
    assert harness.states() == ["delivered"] * 3
    assert audit_balance(harness.gateway.database).is_clean


@on_sqlite
def test_whole_it_is_cut_by_number_and_holds_only_what_is_new(harness: Harness, receive: Receive) -> None:
    known = text("known", id="wamid.1")
    batch = notification(
        change(messages=[known, text("new"), text("bo", sender=BO)], contacts=[contact(), contact(BO, "Bo")]),
        change(messages=[text("other")], number=OTHER_PNID),
        change(messages=[text("more")]),
    )
    with subscriber(answering(503)) as app:
        receive(message_body(known))
        harness.endpoint(app.url, format="meta", ordered=False, split=False)
        receive(batch)
        harness.rounds()
        app.reply = answering(200)
        harness.pass_by(seconds=7)
        harness.rounds()

    first, again = app.posted[:2], app.posted[2:]
    assert sorted(posted.body for posted in first) == sorted(posted.body for posted in again)
    assert sorted(posted.id for posted in first) == sorted(posted.id for posted in again)
    said = sorted(
        [[message["text"]["body"] for message in each["value"]["messages"]] for each in changes]
        for changes in (json.loads(posted.body)["entry"][0]["changes"] for posted in first)
    )
    assert said == [[["new", "bo"], ["more"]], [["other"]]]


@on_sqlite
def test_a_notification_of_which_some_is_still_to_be_read_waits(harness: Harness, receive: Receive) -> None:
    with subscriber() as app:
        harness.endpoint(app.url, format="meta", ordered=False, split=False)
        receive(message_body(text("1"), text("2")))
        with harness.gateway.database.write() as session:
            session.execute(update(Notification).values(state="pending"))
        harness.rounds()
        assert app.posted == []
        with harness.gateway.database.write() as session:
            session.execute(update(Notification).values(state="processed"))
        harness.pass_by(seconds=1)
        harness.rounds()

    assert len(app.posted) == 1


def test_an_item_that_fails_is_tried_again_by_itself(harness: Harness, receive: Receive) -> None:
    batch = message_body(
        text("1", id="wamid.1"), text("2", sender=BO, id="wamid.2"), contacts=[contact(), contact(BO, "Bo")]
    )
    with subscriber(lambda handler, posted: handler.answer(503 if b"wamid.1" in posted.body else 200)) as app:
        harness.endpoint(app.url, format="meta")
        receive(batch)
        harness.rounds()
        app.reply = answering(200)
        harness.pass_by(seconds=7)
        harness.rounds()

    first, second = ([each for each in app.posted if name in each.body] for name in (b"wamid.1", b"wamid.2"))
    assert (len(first), len(second)) == (2, 1)
    assert (first[0].id, first[0].body) == (first[1].id, first[1].body)
    assert harness.states() == ["delivered", "delivered"]


@on_sqlite
def test_what_we_make_of_an_item_is_no_notification_of_metas(harness: Harness, receive: Receive) -> None:
    """A word that stops marketing is a message, and an event of ours besides."""
    stop = {"category": "marketing_messages", "value": "stop", "timestamp": "1795500000", "wa_id": ANA}
    with subscriber() as app:
        harness.endpoint(app.url, format="meta")
        receive(notification(change(field="user_preferences", user_preferences=[stop], contacts=[contact()])))
        harness.rounds()

    assert len(app.posted) == 1
    assert audit_balance(harness.gateway.database).is_clean


@on_sqlite
def test_whole_notifications_are_refused_where_they_cannot_be_had(harness: Harness) -> None:
    manage = harness.gateway.manage_endpoints
    for values in ({"split": False, "ordered": False}, {"split": False, "format": "meta"}):
        with pytest.raises(Invalid) as refusal:
            manage.add({"url": "https://bot.example/"} | values)
        assert set(refusal.value.fields or {}) == {"split"}

    row, _ = manage.add({"url": "https://bot.example/", "format": "meta", "split": False, "ordered": False})
    with pytest.raises(Invalid):
        manage.change(row.id, {"ordered": True})
    assert manage.change(row.id, {"ordered": True, "split": True}).split


def test_an_app_reads_who_wrote_from_the_first_contact() -> None:
    body = message_body(text(), text(sender=BO), contacts=[contact(), contact(BO, "Bo")])

    cut = meta_body(to_bytes(body), {1: None})

    assert cut is not None
    assert json.loads(cut)["entry"][0]["changes"][0]["value"]["contacts"] == [contact(BO, "Bo")]
