"""From SQLite to PostgreSQL: every row is equal, an interrupted copy goes on, and a half copy serves nobody."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, insert, select, text, update

from app import migrations
from app.clock import utc_now
from app.db.database import Database
from app.errors import Unavailable, WrongState
from app.migrations import Fit
from app.models import Delivery, Endpoint, Event, Message, QueuedSend
from app.models.base import table
from app.models.search import MessageDocument
from app.services.backups import copy_to_postgresql as copying
from app.services.backups import put_away
from app.services.messages.search_index import index_messages
from app.store import upkeep, workers
from app.store.queue import NEVER
from tests.conftest import PostWebhook, on_sqlite
from tests.factories import PNID, contact, message_body, status, status_body
from tests.factories import text as text_of
from tests.load.postgres import own_database

pytestmark = on_sqlite

HOSTILE = [
    'She said "no", and went', "a\nb\r\nc\\d\te\\N", "\\.", "\\.\n\\.\n", "", " ", "NULL", ",,;'--", "ñandú 🎉 \u200f",
    "it's 'quoted' \\ twice", "x" * 4000,
]  # fmt: skip


@pytest.fixture
def target(postgres_url: str) -> Iterator[Database]:
    """An empty database on PostgreSQL."""
    with own_database() as url:
        database = Database(url)
        yield database
        database.dispose()


@pytest.fixture
def filled(database: Database, receive: Callable[..., None], post_webhook: PostWebhook) -> Database:
    """Messages with every odd character, statuses, events, deliveries, a send that waits, what is set aside."""
    now = utc_now()
    with database.write() as session:
        session.execute(
            insert(Endpoint),
            [
                {"id": "e", "url": "https://app.example/", "format": "event", "secret": "", "ordered": True,
                 "replies": False, "paused": False, "failures": 0, "opens": 0, "created_at": now, "updated_at": now}
            ],
        )  # fmt: skip
    receive(*(message_body(text_of(each or "-"), contacts=[contact(name=each or "Ana")]) for each in HOSTILE))
    receive(status_body(status("wamid.S", "sent"), status("wamid.S", "read")), message_body("poison"), b"\x00\xff")
    post_webhook(message_body(text_of()))  # not processed yet
    while index_messages(database):
        pass
    with database.write() as session:
        event = session.scalars(select(Event).limit(1)).one()
        due = {"endpoint_id": "e", "event_id": event.id, "state": "pending", "is_replay": False, "due_at": now,
               "attempts": 0, "created_at": now}  # fmt: skip
        session.execute(insert(Delivery), [due | {"contact_id": event.contact_id}])
        message = session.scalars(select(Message).limit(1)).one()
        session.execute(update(Message).where(Message.message == "-").values(message=""))
        queued = {"message_id": message.id, "phone_number_id": PNID, "recipient": "1", "rank": 0, "attempt": 1,
                  "wanted_at": now, "due_at": NEVER, "expires_at": now + timedelta(days=1)}  # fmt: skip
        session.execute(insert(table(QueuedSend)), [queued])
    return database


def rows_of(database: Database, of: Any) -> list[tuple[Any, ...]]:
    keys = list(of.primary_key.columns)
    with database.read() as session:
        found = [tuple(row) for row in session.execute(select(of).order_by(*keys))]
    if of.name == MessageDocument.__tablename__:
        return sorted((row[0], row[1], sorted({word.strip("'") for word in row[2].split()})) for row in found)
    return sorted(found, key=repr)


def copy(source: Database, target: Database) -> copying.Copied:
    return copying.copy_to_postgresql(source, target, utc_now(), lambda *_: None)


def test_every_row_is_equal(filled: Database, target: Database) -> None:
    copied = copy(filled, target)

    assert copied.problems == []
    assert copied.rows["messages"] == len(HOSTILE)
    assert copied.rows["deliveries"] > 1 and copied.rows["queued_sends"] == 1
    for each in copying.TABLES:
        assert rows_of(target, each) == rows_of(filled, each), each.name
    with target.engine.connect() as connection:
        assert migrations.fit(connection) is Fit.SERVES
    with target.write() as session:  # numbers that the database assigns go on
        last = session.scalar(select(func.max(Delivery.id))) or 0
        event = session.scalars(select(Event).limit(1)).one()
        session.add(Delivery(endpoint_id="e", event_id=event.id, state="dead", is_replay=True, attempts=0,
                             created_at=utc_now()))  # fmt: skip
        session.flush()
        assert session.scalar(select(func.max(Delivery.id))) == last + 1
        session.rollback()


def test_the_copy_has_the_same_indexes_and_constraints(filled: Database, target: Database, postgres_url: str) -> None:
    copy(filled, target)
    migrated = Database(postgres_url)
    statement = text(
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace"
        " UNION ALL SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
        " UNION ALL SELECT tgname, tgenabled::text FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1, 2"
    )

    def defined(session: Any) -> set[tuple[str, str]]:
        """Without casts, which PostgreSQL writes otherwise when it reads what it wrote."""
        casts = re.compile(r"::(character varying|text)(\[\])?|[()]")
        return {(name, casts.sub("", how)) for name, how in session.execute(statement)}

    with target.read() as session, migrated.read() as other:
        assert defined(session) == defined(other)
    migrated.dispose()


def test_an_interrupted_copy_serves_nobody_and_goes_on(
    filled: Database, target: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []
    real = copying._write

    def note(writer: Any, of: Any, data: bytes) -> None:
        written.append(of.name)
        real(writer, of, data)

    def break_at_messages(writer: Any, of: Any, data: bytes) -> None:
        if of.name == "messages" and written.count("messages") == 2:
            raise KeyboardInterrupt
        note(writer, of, data)

    monkeypatch.setattr("app.services.backups.sqlite_lines.PORTION", 4)
    monkeypatch.setattr(copying, "_write", break_at_messages)
    with pytest.raises(KeyboardInterrupt):
        copy(filled, target)
    with pytest.raises(Unavailable) as refused:
        migrations.upgrade(target)
    assert "db copy" in refused.value.reason

    written.clear()
    monkeypatch.setattr(copying, "_write", note)
    copy(filled, target)

    assert "events" not in written and written.count("messages") == (len(HOSTILE) - 8 + 3) // 4
    for each in copying.TABLES:
        assert rows_of(target, each) == rows_of(filled, each), each.name


def test_what_is_written_to_the_source_meanwhile_is_not_lost_silently(
    filled: Database, target: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = put_away.make_again

    def late(url: Any, report: Any) -> None:
        with filled.write() as session:
            session.execute(text("UPDATE messages SET status = 'read'"))
        real(url, report)

    monkeypatch.setattr(put_away, "make_again", late)
    with pytest.raises(WrongState, match="while it was copied"):
        copy(filled, target)
    monkeypatch.undo()
    with pytest.raises(WrongState, match="has changed since"):
        copy(filled, target)


def test_the_copy_and_the_original_delete_no_file_of_each_other(filled: Database, target: Database) -> None:
    with filled.write() as session:
        upkeep.note(session, upkeep.VAULT_OWNER, place="0" * 32)

    copy(filled, target)

    with target.read() as session:
        assert upkeep.find(session, upkeep.VAULT_OWNER) is None


def test_a_change_that_adds_no_row_is_one(
    filled: Database, target: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(put_away, "make_again", stop)
    with pytest.raises(KeyboardInterrupt):
        copy(filled, target)
    monkeypatch.undo()
    with filled.write() as session:
        session.execute(update(Message).values(status="read", updated_at=utc_now()))
    with pytest.raises(WrongState, match="has changed since"):
        copy(filled, target)


def test_what_cannot_be_copied_is_refused(filled: Database, target: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    with filled.write() as session:
        workers.seen(session, "w", utc_now(), utc_now() - timedelta(days=1), settings="{}")
    with pytest.raises(WrongState, match="running on the SQLite database"):
        copy(filled, target)
    with filled.write() as session:
        workers.left(session, "w")

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(put_away, "make_again", stop)
    with pytest.raises(KeyboardInterrupt):
        copy(filled, target)
    monkeypatch.undo()
    with filled.write() as session:
        session.execute(text("DELETE FROM queued_sends"))
    with pytest.raises(WrongState, match="has changed since"):
        copy(filled, target)
    with target.engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    copy(filled, target)
    with pytest.raises(WrongState, match="not empty"):
        copy(filled, target)
