"""What the team does to conversations: by whom, once, and without losing what arrives meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from app.actors import acting
from app.clock import utc_now
from app.container import Gateway
from app.db.database import Database
from app.domain.outbound import OutboundRequest
from app.errors import AnsweredMeanwhile, GatewayError, Invalid, NotFound, WrongState
from app.models import AuditEntry, Conversation, Message
from app.store import conversations
from app.store.conversations import Activity
from tests.conftest import on_sqlite
from tests.factories import OTHER_PNID, PNID, message_body, text

Receive = Callable[..., None]
NOW = int(utc_now().timestamp())


@pytest.fixture
def its(receive: Receive, database: Database) -> str:
    """The id of a conversation with two unread messages."""
    receive(message_body(text("one", timestamp=NOW - 100), text("two", timestamp=NOW - 90)))
    return row(database).id


def row(database: Database) -> Conversation:
    with database.read() as session:
        return session.scalars(select(Conversation).where(Conversation.contact_id.is_not(None))).one()


def messages(database: Database) -> list[str]:
    with database.read() as session:
        return list(session.scalars(select(Message.id).order_by(Message.timestamp, Message.id)))


def acts(database: Database) -> list[tuple[str, str]]:
    with database.read() as session:
        return [(each.actor, each.act) for each in session.scalars(select(AuditEntry).order_by(AuditEntry.id))]


def say(body: str) -> Callable[[dict[str, Any]], OutboundRequest]:
    return lambda address: OutboundRequest(type="text", content={"body": body}, **address)


def test_each_act_changes_its_conversation_and_is_audited_under_its_actor(
    its: str, gateway: Gateway, database: Database
) -> None:
    luz = gateway.people.add("Luz", "agent", [PNID])
    label = gateway.labels.add("Invoice", "#2266CC")
    newest = messages(database)[-1]

    with acting(f"person:{luz.id}"):
        gateway.conversation_acts.assign(its, luz.id, None)
        gateway.conversation_acts.label(its, [label.id], None)
        note = gateway.conversation_acts.note(its, " call back ", None)
        assert gateway.conversation_acts.mark_seen(its, newest, None) == 0
        gateway.conversation_acts.close(its, None)
        closed = gateway.conversations.one(its, None)
        gateway.conversation_acts.reopen(its, None)

    assert (closed.assignee, closed.is_closed, closed.unread) == (luz.id, True, 0)
    assert [(each.name, each.colour) for each in closed.labels] == [("Invoice", "#2266cc")]
    assert (note.text, note.author) == ("call back", f"person:{luz.id}")
    assert [item.text for item in gateway.threads(its, None, limit=5).items if hasattr(item, "text")] == ["call back"]
    assert not gateway.conversations.one(its, None).is_closed
    assert [act for actor, act in acts(database) if actor == f"person:{luz.id}"] == [
        f"conversation.{act}" for act in ("assigned", "labelled", "noted", "seen", "closed", "reopened")
    ]


def test_what_changes_nothing_writes_nothing(its: str, gateway: Gateway, database: Database) -> None:
    newest = messages(database)[-1]
    gateway.conversation_acts.mark_seen(its, newest, None)
    before = (row(database).touched_at, len(acts(database)))

    gateway.conversation_acts.assign(its, None, None)
    gateway.conversation_acts.label(its, [], None)
    gateway.conversation_acts.reopen(its, None)
    gateway.conversation_acts.mark_seen(its, newest, None)

    assert (row(database).touched_at, len(acts(database))) == before


@on_sqlite
def test_nothing_is_done_to_what_one_may_not_see(its: str, gateway: Gateway, database: Database) -> None:
    do = gateway.conversation_acts
    newest = messages(database)[-1]
    tries: list[Callable[[str, tuple[str, ...] | None], object]] = [
        lambda name, numbers: do.assign(name, None, numbers),
        lambda name, numbers: do.label(name, [], numbers),
        lambda name, numbers: do.note(name, "x", numbers),
        lambda name, numbers: do.close(name, numbers),
        lambda name, numbers: do.reopen(name, numbers),
        lambda name, numbers: do.mark_seen(name, newest, numbers),
        lambda name, numbers: gateway.answer(name, say("x"), numbers),
    ]

    for attempt in tries:
        for name, numbers in ((its, (OTHER_PNID,)), ("nothing", None), ("\x00", None)):
            with pytest.raises(NotFound):
                attempt(name, numbers)
    assert len(messages(database)) == 2 and acts(database) == []


@on_sqlite
def test_whom_a_conversation_cannot_be_given_is_said(its: str, gateway: Gateway) -> None:
    elsewhere = gateway.people.add("Bo", "agent", [OTHER_PNID])
    gone = gateway.people.add("Gone", "agent")
    gateway.people.disable(gone.id)

    for nobody in ("nobody", "\x00", elsewhere.id, gone.id):
        with pytest.raises(Invalid):
            gateway.conversation_acts.assign(its, nobody, None)
    with pytest.raises(Invalid):
        gateway.conversation_acts.label(its, ["no label"], None)
    for empty in ("", "  ", "a\x00b", "x" * 4001):
        with pytest.raises(Invalid):
            gateway.conversation_acts.note(its, empty, None)


def test_seeing_an_older_message_leaves_the_newer_ones_unread(its: str, gateway: Gateway, database: Database) -> None:
    first, second = messages(database)

    assert gateway.conversation_acts.mark_seen(its, first, None) == 1
    assert gateway.conversation_acts.mark_seen(its, first, None) == 1
    assert gateway.conversation_acts.mark_seen(its, second, None) == 0
    assert gateway.conversation_acts.mark_seen(its, first, None) == 0


def test_a_conversation_is_not_closed_over_what_was_not_seen(
    its: str, gateway: Gateway, database: Database
) -> None:
    first, second = messages(database)

    with pytest.raises(WrongState):
        gateway.conversation_acts.close(its, None, seen=first)
    gateway.conversation_acts.close(its, None, seen=second)

    assert row(database).closed_at is not None


def test_of_two_who_take_a_conversation_at_once_one_has_it(its: str, gateway: Gateway, database: Database) -> None:
    people = [gateway.people.add(name, "agent").id for name in ("A", "B", "C", "D")]

    failures = together(
        [lambda who=who: gateway.conversation_acts.assign(its, who, None, only_if_free=True) for who in people]
    )

    assert len(failures) == 3 and all(isinstance(each, WrongState) for each in failures)
    assert row(database).assignee in people


def test_what_arrives_while_people_see_the_thread_is_never_lost(
    its: str, gateway: Gateway, database: Database
) -> None:
    contact = str(row(database).contact_id)
    seen_at_first = messages(database)[-1]
    count = 12

    def arrive(place: int) -> None:
        with database.write() as session:
            message_id = f"00000000-0000-7000-8000-{place:012}"
            at = utc_now()
            session.execute(
                Message.__table__.insert(),  # type: ignore[attr-defined]
                [{
                    "id": message_id, "direction": "inbound", "phone_number_id": PNID, "contact_id": contact,
                    "message_type": "text", "message": "x", "content": {}, "timestamp": at, "status": "received",
                    "source": "live", "flags": [], "received_at": at, "updated_at": at,
                }],
            )  # fmt: skip
            conversations.record(session, [Activity(message_id, contact, PNID, at, counts=True)])

    def see() -> None:
        for _ in range(count):
            assert gateway.conversation_acts.mark_seen(its, seen_at_first, None) >= 0

    failures = together([*(lambda place=place: arrive(place) for place in range(count)), see, see])

    assert failures == []
    assert row(database).unread == count
    assert gateway.conversation_acts.mark_seen(its, messages(database)[-1], None) == 0


def test_an_answer_that_crossed_another_is_refused_unless_it_is_wanted_anyway(
    its: str, gateway: Gateway, database: Database
) -> None:
    seen = messages(database)[-1]
    with acting("person:bo"):
        first = gateway.answer(its, say("from Bo"), None, seen=seen)
        own = gateway.answer(its, say("more from Bo"), None, seen=seen)

    with acting("person:luz"):
        with pytest.raises(AnsweredMeanwhile) as refusal:
            gateway.answer(its, say("from Luz"), None, seen=seen)
        with_it_seen = gateway.answer(its, say("from Luz"), None, seen=own.id)
        anyway = gateway.answer(its, say("again"), None, seen=seen, anyway=True)

    assert refusal.value.meta == {
        "messages": [{"id": each, "sent_by": "person:bo"} for each in (first.id, own.id)]
    }
    assert messages(database)[2:] == [first.id, own.id, with_it_seen.id, anyway.id]
    found = gateway.conversations.one(its, None)
    assert (found.handled_by, found.unread, found.waiting_since) == ("human", 0, None)
    with pytest.raises(NotFound):
        gateway.answer(its, say("x"), None, seen="no message of this thread")


def test_of_two_answers_at_the_same_moment_one_is_asked_first(its: str, gateway: Gateway, database: Database) -> None:
    seen = messages(database)[-1]

    def answer(who: str) -> None:
        with acting(f"person:{who}"):
            gateway.answer(its, say(who), None, seen=seen)

    failures = together([lambda who=who: answer(who) for who in ("a", "b", "c")])

    assert len(failures) == 2 and all(isinstance(each, AnsweredMeanwhile) for each in failures)
    assert len(messages(database)) == 3


@on_sqlite
def test_labels_and_quick_replies_are_kept_apart_by_name_and_number(its: str, gateway: Gateway) -> None:
    label = gateway.labels.add("Invoice")
    with pytest.raises(GatewayError, match="this name"):
        gateway.labels.add("Invoice")
    assert gateway.labels.change(label.id, name="Invoices").name == "Invoices"
    gateway.conversation_acts.label(its, [label.id], None)
    gateway.labels.remove(label.id)
    assert gateway.conversations.one(its, None).labels == []

    hours = gateway.quick_replies.add("/Hours", "9 to 18")
    ours = gateway.quick_replies.add("hours", "9 to 20", PNID)
    assert hours.shortcut == "hours"
    with pytest.raises(GatewayError, match="this shortcut"):
        gateway.quick_replies.add("hours", "again")
    assert [each.id for each in gateway.quick_replies.all((OTHER_PNID,))] == [hours.id]
    assert {each.id for each in gateway.quick_replies.all((PNID,))} == {hours.id, ours.id}
    assert gateway.quick_replies.change(hours.id, "hours", "new").text == "new"
    gateway.quick_replies.remove(hours.id)
    for wrong in (("two words", "x", None), ("x", " ", None), ("x", "x", "1")):
        with pytest.raises(Invalid):
            gateway.quick_replies.add(*wrong)


def together(calls: list[Callable[[], object]]) -> list[BaseException]:
    """Make these calls at the same time; return what they raised."""
    start, failures = threading.Barrier(len(calls)), []

    def run(call: Callable[[], object]) -> None:
        start.wait()
        try:
            call()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failures
