"""Conversations follow the messages, in the transactions that write them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy import text as sql

from app.container import Gateway
from app.db.database import Database
from app.domain.handover import HandledBy
from app.domain.outbound import Mode, OutboundRequest
from app.migrations.versions import __path__ as folder
from app.models import Conversation, Message
from app.services.sending import send_message
from app.store import contacts, conversations
from app.store.conversations import Activity
from tests.factories import ANA, BO, OTHER_PNID, PNID, SENT_AT, echo, echo_body, message_body, text, wamid
from tests.migrations.lint import load

Receive = Callable[..., None]


def reaction(to: str, emoji: str) -> dict[str, Any]:
    return {
        "from": ANA, "id": wamid(), "timestamp": str(SENT_AT + 5), "type": "reaction",
        "reaction": {"message_id": to, "emoji": emoji},
    }  # fmt: skip


def rows(database: Database) -> list[Conversation]:
    with database.read() as session:
        return list(session.scalars(select(Conversation).order_by(Conversation.created_at, Conversation.id)))


def only(database: Database) -> Conversation:
    (row,) = rows(database)
    return row


def last_text(database: Database, row: Conversation) -> str | None:
    with database.read() as session:
        return session.scalar(select(Message.message).where(Message.id == row.last_message_id))


def queue(gateway: Gateway, to: str = f"+{ANA}", **more: Any) -> str:
    request = OutboundRequest(type="text", content={"body": "hola"}, to=to, mode=Mode.QUEUED, force=True, **more)
    return gateway.send(request).id


def test_a_message_opens_a_conversation_and_counts_as_unread(receive: Receive, database: Database) -> None:
    receive(message_body(text("first"), text("second", timestamp=SENT_AT + 1)))
    receive(message_body(text("third", timestamp=SENT_AT + 2)))

    row = only(database)

    assert (row.unread, row.phone_number_id, row.closed_at, row.waiting_since) == (3, PNID, None, None)
    assert last_text(database, row) == "third"


def test_a_webhook_that_comes_again_counts_nothing_twice(receive: Receive, database: Database) -> None:
    body = message_body(text("once"))

    receive(body, body)

    assert only(database).unread == 1


def test_a_late_message_does_not_take_the_place_of_a_newer_one(receive: Receive, database: Database) -> None:
    receive(message_body(text("newer", timestamp=SENT_AT)), message_body(text("late", timestamp=SENT_AT - 60)))

    row = only(database)

    assert (last_text(database, row), row.unread) == ("newer", 2)


def test_a_reaction_is_shown_but_neither_counts_nor_opens(
    receive: Receive, database: Database, gateway: Gateway
) -> None:
    receive(message_body(text("hello")))
    with database.write() as session:
        conversations.change(session, only(database).id, closed_at=gateway.now(), unread=0)

    receive(message_body(reaction("wamid.x", "👍")))

    row = only(database)
    assert (row.unread, row.closed_at is not None, last_text(database, row)) == (0, True, "👍")


def test_a_customer_opens_a_closed_conversation(receive: Receive, database: Database, gateway: Gateway) -> None:
    receive(message_body(text("hello")))
    with database.write() as session:
        conversations.change(session, only(database).id, closed_at=gateway.now())

    receive(message_body(text("again", timestamp=SENT_AT + 5)))

    assert only(database).closed_at is None


def test_what_a_group_says_is_in_no_conversation(receive: Receive, database: Database) -> None:
    receive(message_body({**text("to all"), "group_id": "group-1"}))

    assert rows(database) == []


def test_a_send_is_the_last_message_of_its_conversation(
    receive: Receive, database: Database, gateway: Gateway
) -> None:
    receive(message_body(text("hello")))

    sent = queue(gateway)
    queue(gateway, to=f"+{BO}")

    ana, bo = rows(database)
    assert ana.last_message_id == sent and ana.unread == 1 and ana.touched_at is not None
    assert bo.unread == 0


def test_a_send_that_certainly_did_not_leave_is_no_last_message(
    receive: Receive, database: Database, gateway: Gateway
) -> None:
    receive(message_body(text("hello")))
    sent = queue(gateway)

    with database.write() as session:
        send_message.messages.remove(session, sent)

    row = only(database)
    assert last_text(database, row) == "hello"


def test_who_is_handed_over_waits_until_a_person_answers(
    receive: Receive, database: Database, gateway: Gateway
) -> None:
    receive(message_body(text("a person please")))
    contact = only(database).contact_id
    assert contact is not None

    gateway.hand_over(contact, HandledBy.HUMAN, PNID)
    since = only(database).waiting_since
    queue(gateway)  # the bot's own last words
    receive(message_body(text("still there?", timestamp=SENT_AT + 9)))
    assert since is not None and only(database).waiting_since == since

    queue(gateway, sent_by="person:ana")
    assert only(database).waiting_since is None

    receive(message_body(text("and now?", timestamp=SENT_AT + 10)))
    assert only(database).waiting_since is not None
    gateway.hand_over(contact, HandledBy.BOT, PNID)
    assert only(database).waiting_since is None


def test_an_answer_from_the_phone_counts_as_a_persons_who_has_read(receive: Receive, database: Database) -> None:
    receive(message_body(text("hello")))

    receive(echo_body({**echo("wamid.echo"), "timestamp": str(SENT_AT + 5)}))
    assert (only(database).unread, only(database).waiting_since) == (0, None)

    receive(message_body(text("thanks", timestamp=SENT_AT + 9)))
    assert only(database).unread == 1


def test_two_contacts_that_turn_out_to_be_one_keep_one_conversation(receive: Receive, database: Database) -> None:
    receive(message_body(text("one")), message_body(text("two", sender=BO, timestamp=SENT_AT + 1)))
    ana, bo = rows(database)
    assert ana.contact_id and bo.contact_id
    with database.write() as session:
        elsewhere = Activity(bo.last_message_id or "", bo.contact_id, OTHER_PNID, bo.last_message_at)
        conversations.record(session, [elsewhere])

    with database.write() as session:
        contacts.merge(session, bo.contact_id, ana.contact_id)

    found = {row.id: row for row in rows(database)}
    kept, gone = found[ana.id], found[bo.id]
    assert (kept.unread, last_text(database, kept)) == (2, "two")
    assert (gone.contact_id, gone.merged_into) == (None, ana.id)
    assert {row.phone_number_id for row in found.values() if row.contact_id == ana.contact_id} == {PNID, OTHER_PNID}
    with database.read() as session:
        assert conversations.find(session, bo.id, None).id == ana.id


def test_an_erased_contact_leaves_no_conversation(receive: Receive, database: Database, gateway: Gateway) -> None:
    receive(message_body(text("one")), message_body(text("two", sender=BO)))
    ana = next(row for row in rows(database) if last_text(database, row) == "one")

    gateway.erase_contact(str(ana.contact_id))

    assert ana.id not in {row.id for row in rows(database)}
    assert len(rows(database)) == 1


def test_the_migration_makes_the_conversations_of_what_is_there(
    receive: Receive, database: Database, gateway: Gateway
) -> None:

    receive(message_body(text("one"), text("two", timestamp=SENT_AT + 60)), message_body(text("three", sender=BO)))
    before = {row.contact_id: row.last_message_id for row in rows(database)}
    (path,) = Path(next(iter(folder))).glob("[0-9][0-9][0-9][0-9]_conversations.py")
    migration = load(path)

    with database.write() as session:
        session.execute(sql("DELETE FROM conversations"))
        session.execute(sql(migration.FILL.format(new_id=migration.NEW_ID[session.get_bind().dialect.name])))

    assert {row.contact_id: row.last_message_id for row in rows(database)} == before
    assert all(len(row.id) == 36 and row.unread == 0 for row in rows(database))
