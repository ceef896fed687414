"""Many rows in one statement, on both databases: every value as it was given, in the order it was given."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.db.database import Database
from app.models import Job, Notification
from app.store.notifications import Kept, keep

AT = datetime(2026, 11, 30, 9, 0, 0, 123456, UTC)


def webhook(number: int, raw: bytes = b"{}", keys: str | None = None, request_id: str = "r") -> Kept:
    return Kept(f"id-{number:03}", AT, raw, "default", request_id, keys)


def test_rows_come_out_as_they_went_in(database: Database) -> None:
    raws = [bytes(range(256)), b"", b'{"a":"\\u0000 \xf0\x9f\x98\x80"}', b"{,}", b'"NULL"', b"\\x00"]
    given = [webhook(number, raw, None if number % 2 else 'a "b" {c}, \\') for number, raw in enumerate(raws)]
    with database.write_rows() as connection:
        keep(connection, given)
    with database.read() as session:
        rows = session.scalars(select(Notification).order_by(Notification.id)).all()
        jobs = session.scalars(select(Job).order_by(Job.id)).all()
    assert [(row.id, row.raw, row.received_at, row.state) for row in rows] == [
        (each.id, each.raw, AT, "pending") for each in given
    ]
    assert [(job.subject_id, job.order_keys, job.attempts) for job in jobs] == [
        (each.id, each.order_keys, 0) for each in given
    ]


def test_serial_numbers_follow_the_order_of_the_rows(database: Database) -> None:
    given = [webhook(number) for number in reversed(range(200))]
    with database.write_rows() as connection:
        keep(connection, given)
    with database.read() as session:
        assert list(session.scalars(select(Job.subject_id).order_by(Job.id))) == [each.id for each in given]


def test_a_column_may_hold_nothing_but_nulls(database: Database) -> None:
    with database.write_rows() as connection:
        keep(connection, [webhook(1), webhook(2)])
    with database.read() as session:
        assert session.scalars(select(Job.order_keys)).all() == [None, None]


def test_a_text_that_is_too_long_is_refused_and_not_cut(database: Database) -> None:
    if database.is_sqlite:
        pytest.skip("SQLite knows no lengths")
    with pytest.raises(DBAPIError), database.write_rows() as connection:
        keep(connection, [webhook(1, request_id="x" * 65)])


def test_a_batch_that_cannot_be_kept_leaves_nothing_of_it(database: Database) -> None:
    with database.write_rows() as connection:
        keep(connection, [webhook(1)])

    with pytest.raises(IntegrityError), database.write_rows() as connection:
        keep(connection, [webhook(2), webhook(1)])

    with database.write_rows() as connection:
        keep(connection, [webhook(3)])
    with database.read() as session:
        kept = list(session.scalars(select(Notification.id).order_by(Notification.id)))
        assert kept == list(session.scalars(select(Job.subject_id).order_by(Job.subject_id))) == ["id-001", "id-003"]
