from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import insert, select

from app.container import Gateway
from app.db.database import Database
from app.domain import tags
from app.domain.statuses import advance
from app.ids import new_id
from app.models import Event, Message, Notification, SendAttempt, StatusReport
from app.services.operations.audit import audit_balance
from app.store import attempts, messages, numbers, reports
from tests.conftest import on_sqlite, one_case_on_postgresql
from tests.factories import (
    DISPLAY,
    OTHER_PNID,
    OTHER_WABA,
    PNID,
    WABA,
    change,
    echo,
    echo_body,
    message_body,
    notification,
    status,
    status_body,
    text,
)

pytestmark = one_case_on_postgresql

Receive = Callable[..., None]
WORDS = ("sent", "delivered", "read", "played", "failed")


@on_sqlite
def test_reports_in_any_order_never_move_a_message_back(
    receive: Receive, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    orders = list(itertools.permutations(WORDS))
    messages = {order: outbound(database, wamid=f"wamid.{'-'.join(order)}") for order in orders}

    receive(*(status_body(*(status(f"wamid.{'-'.join(order)}", order[n]) for order in orders)) for n in range(5)))

    for order, message_id in messages.items():
        expected = "accepted"
        for word in order:
            expected = advance(expected, word)
        assert find(database, message_id).status == expected, order
    assert [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")] == []
    assert len(rows(database, StatusReport)) == 5 * len(orders)
    assert {row.message_id for row in rows(database, StatusReport)} == set(messages.values())
    assert audit_balance(database, deep=True).problems == []


@pytest.mark.parametrize(
    "order", [("read", "sent", "delivered"), ("sent", "read", "failed"), ("failed", "sent")], ids=str
)
def test_reports_in_one_body_do_as_reports_in_several(
    receive: Receive, database: Database, order: tuple[str, ...]
) -> None:
    together, apart = outbound(database, wamid="wamid.T"), outbound(database, wamid="wamid.A")

    receive(status_body(*(status("wamid.T", word) for word in order)))
    receive(*(status_body(status("wamid.A", word)) for word in order))

    assert find(database, together).status == find(database, apart).status
    assert len(rows(database, StatusReport)) == 2 * len(order)


def test_a_report_that_comes_twice_counts_once(receive: Receive, database: Database) -> None:
    outbound(database, wamid="wamid.1")

    receive(status_body(status("wamid.1"), status("wamid.1")), status_body(status("wamid.1")))
    receive(status_body(status("wamid.1")))  # when the first ones have long been written

    assert [len(rows(database, StatusReport)), len(rows(database, Event))] == [1, 1]
    assert [row.books for row in rows(database, Notification)] == [
        {PNID: {"processed": 1, "duplicate": 1}},
        {PNID: {"duplicate": 1}},
        {PNID: {"duplicate": 1}},
    ]


def test_news_that_comes_twice_counts_once(receive: Receive, database: Database) -> None:
    news = notification({"field": "account_update", "value": {"event": "ACCOUNT_VIOLATION"}})
    both = notification(*news["entry"][0]["changes"] * 2)

    receive(both, news)
    receive(news)

    assert len(rows(database, Event)) == 1
    assert [row.books for row in rows(database, Notification)] == [
        {"": {"processed": 1, "duplicate": 1}}, {"": {"duplicate": 1}}, {"": {"duplicate": 1}},
    ]  # fmt: skip


def test_a_report_that_was_planned_on_an_older_state_moves_nothing_back(database: Database) -> None:
    message_id, now = outbound(database, wamid="wamid.1", state="read"), datetime.now(UTC)

    with database.write() as session:
        messages.advance_status(session, [{"id": message_id, "status": "delivered", "updated_at": now}])
        messages.advance_status(
            session, [{"id": message_id, "status": "failed", "error": {"code": 1}, "updated_at": now}]
        )

    assert (find(database, message_id).status, find(database, message_id).error) == ("read", None)


def test_a_status_of_tomorrow_is_kept_and_moves_nothing(receive: Receive, database: Database) -> None:
    message_id = outbound(database, wamid="wamid.1")

    receive(status_body(status("wamid.1", "pondered")))

    assert find(database, message_id).status == "accepted"
    assert [row.status for row in rows(database, StatusReport)] == ["pondered"]


def test_errors_and_pricing_are_kept_on_the_message(receive: Receive, database: Database) -> None:
    message_id = outbound(database, wamid="wamid.1")
    pricing = {"billable": True, "category": "service"}

    receive(status_body(status("wamid.1", "sent", pricing=pricing)))
    receive(status_body(status("wamid.1", "failed", errors=[{"code": 131026, "title": "Undeliverable"}])))

    message = find(database, message_id)
    assert (message.status, message.pricing, message.error and message.error["code"]) == ("failed", pricing, 131026)


def test_a_group_members_report_does_not_move_the_message(receive: Receive, database: Database) -> None:
    message_id = outbound(database, wamid="wamid.1")
    member = {"recipient_type": "group", "group_id": "G1", "recipient_participant_id": "34600111222"}

    receive(status_body(status("wamid.1", "read", **member)))

    assert find(database, message_id).status == "accepted"
    assert [row.participant for row in rows(database, StatusReport)] == ["34600111222"]


def test_a_group_members_early_report_does_not_move_the_message_that_it_waited_for(
    receive: Receive, database: Database
) -> None:
    member = {"recipient_type": "group", "group_id": "G1", "recipient_participant_id": "34600111222"}
    receive(status_body(status("wamid.E", "read", **member)))

    receive(echo_body(echo("wamid.E") | {"recipient_type": "group", "to": "G1"}))

    (message,) = rows(database, Message)
    assert message.status == "sent"
    assert [row.message_id for row in rows(database, StatusReport)] == [message.id]


@pytest.mark.parametrize("state", ["sending", "unknown", "held"])
def test_a_report_with_our_tag_settles_a_send_whose_answer_never_came(
    receive: Receive, database: Database, state: str
) -> None:
    message_id = outbound(database, state=state, wamid=None)
    tag = tags.make(message_id, 1)

    receive(status_body(status("wamid.NEW", "sent", biz_opaque_callback_data=tag)))
    receive(status_body(status("wamid.NEW", "delivered", biz_opaque_callback_data=tag)))

    message = find(database, message_id)
    (attempt,) = rows(database, SendAttempt)
    assert (message.status, message.wamid) == ("delivered", "wamid.NEW")
    assert (attempt.state, attempt.wamid) == ("accepted", "wamid.NEW")
    assert {row.message_id for row in rows(database, StatusReport)} == {message_id}


def test_reports_with_our_tag_in_one_body_settle_it_too(receive: Receive, database: Database) -> None:
    message_id = outbound(database, state="unknown", wamid=None)
    tag = {"biz_opaque_callback_data": tags.make(message_id, 1)}

    receive(status_body(*(status("wamid.NEW", word, **tag) for word in ("delivered", "sent", "read"))))

    message = find(database, message_id)
    assert (message.status, message.wamid) == ("read", "wamid.NEW")


@pytest.mark.parametrize(
    "tag",
    ["", "theirs", "g1:not-an-id:1", f"g1:{'0' * 36}:1", f"g1:{'f' * 36}:999999", "g1:\x00:1"],
    ids=["empty", "theirs", "no id", "nobody's", "nobody's try", "NUL"],
)
def test_a_tag_that_names_no_message_is_only_kept(receive: Receive, database: Database, tag: str) -> None:
    receive(status_body(status("wamid.1", "sent", biz_opaque_callback_data=tag)))

    (report,) = rows(database, StatusReport)
    assert (report.message_id, report.wamid) == (None, "wamid.1")


def test_a_report_before_its_echo_waits_for_it(receive: Receive, database: Database) -> None:
    receive(status_body(status("wamid.E", "read")), echo_body(echo("wamid.E", sender=DISPLAY)))

    (message,) = rows(database, Message)
    (report,) = rows(database, StatusReport)
    assert report.message_id == message.id
    assert message.status == "read"


def test_a_report_after_its_echo_finds_it(receive: Receive, database: Database) -> None:
    receive(echo_body(echo("wamid.E", sender=DISPLAY)), status_body(status("wamid.E", "read")))

    (message,) = rows(database, Message)
    assert (message.status, rows(database, StatusReport)[0].message_id) == ("read", message.id)


def test_between_two_numbers_of_ours_a_report_moves_the_message_that_was_sent(
    receive: Receive, database: Database, gateway: Gateway
) -> None:
    receive(message_body(text(id="wamid.BOTH"), number=OTHER_PNID))
    sent = outbound(database, wamid="wamid.BOTH")

    receive(status_body(status("wamid.BOTH", "read")))

    assert find(database, sent).status == "read"
    (report,) = rows(database, StatusReport)
    assert report.message_id == sent


def test_a_message_signed_by_another_app_is_quarantined(
    receive: Receive, database: Database, other_app: str, get: Callable[..., Any]
) -> None:
    receive(message_body(text("forged")), message_body(text("theirs"), number=OTHER_PNID), secret=other_app)

    assert [row.message for row in rows(database, Message)] == ["theirs"]
    assert [row.state for row in rows(database, Notification)] == ["quarantined", "processed"]
    assert [row.books for row in rows(database, Notification)] == [
        {PNID: {"quarantined": 1}},
        {OTHER_PNID: {"processed": 1}},
    ]
    quarantined = get("/api/notifications", state="quarantined")["data"][0]
    (item,) = get(f"/api/notifications/{quarantined['id']}")["set_aside"]
    assert (item["state"], item["phone_number_id"], item["position"]) == ("quarantined", PNID, 0)
    assert audit_balance(database, deep=True).problems == []


def test_in_a_mixed_body_only_the_foreign_items_are_quarantined(
    receive: Receive, database: Database, other_app: str
) -> None:
    receive(
        notification(change(messages=[text("forged")]), change(messages=[text("theirs")], number=OTHER_PNID)),
        secret=other_app,
    )

    assert [row.message for row in rows(database, Message)] == ["theirs"]
    assert [row.state for row in rows(database, Notification)] == ["quarantined"]


@pytest.mark.parametrize("waba", [WABA, OTHER_WABA, "no account of ours"])
@pytest.mark.parametrize("number", [OTHER_PNID, None, "9999"], ids=["its own", "none", "nobody's"])
@pytest.mark.parametrize("by", ["wamid", "tag"])
def test_an_app_cannot_report_on_the_messages_of_another(
    receive: Receive, database: Database, other_app: str, by: str, number: str | None, waba: str
) -> None:
    message_id = outbound(database, state="unknown", wamid="wamid.OURS" if by == "wamid" else None)
    tag = {"biz_opaque_callback_data": tags.make(message_id, 1)} if by == "tag" else {}

    report = change(statuses=[status("wamid.OURS", "failed", **tag)], number=number)
    receive(notification(report, waba=waba), secret=other_app)

    message = find(database, message_id)
    assert (message.status, message.error, message.pricing) == ("unknown", None, None)
    assert {row.message_id for row in rows(database, StatusReport)} <= {None}


@pytest.mark.parametrize("by", ["an echo", "Graph's answer"])
def test_an_early_report_of_another_number_is_not_adopted(
    receive: Receive, database: Database, other_app: str, by: str
) -> None:
    receive(status_body(status("wamid.OURS", "failed"), number=OTHER_PNID), secret=other_app)
    receive(status_body(status("wamid.OURS", "delivered")))

    if by == "an echo":
        receive(echo_body(echo("wamid.OURS")))
        (message,) = rows(database, Message)
    else:
        message_id, now = outbound(database, state="sending", wamid=None), datetime.now(UTC)
        with database.write() as session:
            attempts.accept(session, [(message_id, 1, "wamid.OURS")], now)
            assert reports.known_to_meta(session, ["wamid.OURS"]) == {"wamid.OURS"}
            reports.attach_earlier_news(session, ["wamid.OURS"], now)
        message = find(database, message_id)

    assert (message.status, message.error) == ("delivered", None)
    adopted = {row.phone_number_id: row.message_id for row in rows(database, StatusReport)}
    assert adopted == {OTHER_PNID: None, PNID: message.id}


def test_an_app_cannot_edit_the_messages_of_another(receive: Receive, database: Database, other_app: str) -> None:
    receive(message_body(text("ours", id="wamid.OURS")))
    revoked = text(id="wamid.R") | {"type": "revoke", "revoke": {"original_message_id": "wamid.OURS"}}

    receive(message_body(revoked, number=OTHER_PNID), secret=other_app)

    (message,) = rows(database, Message)
    assert message.flags == []


@pytest.fixture
def other_app(gateway: Gateway) -> str:
    """The secret of another Meta app, which a second number of ours belongs to."""
    now = datetime.now(UTC)
    secret = "secret-of-the-other-app-0123456789"
    with gateway.database.write() as session:
        numbers.save(session, {
            "phone_number_id": OTHER_PNID, "waba_id": OTHER_WABA, "app": "222", "created_at": now, "updated_at": now,
            "app_secrets": gateway.encryptor.encrypt(secret),
        })  # fmt: skip
    return secret


def outbound(database: Database, *, wamid: str | None, state: str = "accepted") -> str:
    """A message of ours, as a send leaves it."""
    now, message_id = datetime.now(UTC), new_id()
    with database.write() as session:
        session.execute(insert(Message), [{
            "id": message_id, "direction": "outbound", "phone_number_id": PNID, "wamid": wamid,
            "message_type": "text", "message": "Hola", "content": {"body": "Hola"}, "timestamp": now,
            "status": state, "source": "live", "flags": [], "received_at": now, "updated_at": now,
        }])  # fmt: skip
        attempts.start(session, [(message_id, 1)], now)
        if state not in ("sending", "accepted"):
            attempts.finish(session, message_id, 1, state="unknown", now=now)
    return message_id


def find(database: Database, message_id: str) -> Message:
    with database.read() as session:
        return session.get_one(Message, message_id)


def rows(database: Database, model: Any) -> list[Any]:
    with database.read() as session:
        return list(session.scalars(select(model).order_by(model.sequence if model is Event else model.id)))
