"""Statements that look for any of many texts, and INSERTs that count what was new."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import event

from app.db.database import Database
from app.ids import new_id
from app.store import contacts, events, reports
from tests.factories import PNID

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ODD = ("'", '"', "{a,b}", "\\", "é👍", "NULL", "", "x" * 3000)


def test_any_of_many_texts_is_found_whatever_is_in_them(database: Database) -> None:
    with database.write() as session:
        events.append(session, [_event(key) for key in (*ODD, "another")])
    with database.read() as session:
        assert events.known_keys(session, [*ODD, "nobody's"]) == set(ODD)
        assert events.known_keys(session, []) == set()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_the_planner_sees_what_is_in_a_list(database: Database) -> None:
    """A cast to an array hid it, and each row was compared with one element after the other."""
    statements: list[Any] = []
    with database.read() as session:
        event.listen(session.connection(), "before_cursor_execute", lambda *told: statements.append(told[2:4]))
        events.known_keys(session, ["a", "b"])
        [(asked, given), *_] = statements
        plan = session.connection().exec_driver_sql(f"EXPLAIN {asked}", given).scalars().all()
    assert "= ANY ('{a,b}'::text[])" in "".join(plan)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_text_with_a_nul_is_found_where_it_can_be_kept(database: Database) -> None:
    with database.write() as session:
        events.append(session, [_event(key) for key in ("a\0b", "\x02", "\x020", "\x02\0")])
    with database.read() as session:
        assert events.known_keys(session, ["a", "a\0b", "a\0c", "\x021", "\0"]) == {"a\0b"}
        assert events.known_keys(session, ["\x02", "\x020", "\x02\0"]) == {"\x02", "\x020", "\x02\0"}


def test_names_are_found_by_their_own_kind_only(database: Database) -> None:
    contact = {"id": new_id(), "wa_id": "34600", "user_id": None, "parent_user_id": None, "username": None,
               "name": "Ana", "given_name": None, "event_count": 0, "created_at": NOW, "updated_at": NOW}  # fmt: skip
    alias = {"kind": "wa_id", "value": "34600", "app": "", "contact_id": contact["id"], "since": None,
             "until": NOW}  # fmt: skip
    with database.write() as session:
        contacts.add(session, [contact])
        assert contacts.add_aliases(session, [alias]) == 1
        assert contacts.add_aliases(session, [alias, alias | {"kind": "user_id", "value": "ES.1"}]) == 1
    with database.read() as session:
        found = contacts.find_by_aliases(session, [("wa_id", "34600"), ("user_id", "34600"), ("parent_user_id", "1")])
    assert list(found) == [("wa_id", "34600")]
    owner = found["wa_id", "34600"]
    assert (owner.contact.id, owner.contact.name, owner.since, owner.until) == (contact["id"], "Ana", None, NOW)


def test_of_reports_only_what_is_new_is_added(database: Database) -> None:
    sent, read = _report("sent"), _report("read")
    with database.write() as session:
        assert reports.add_new(session, [sent, sent]) == {("wamid.1", "sent", "", PNID)}
    with database.write() as session:
        assert reports.add_new(session, [sent, read]) == {("wamid.1", "read", "", PNID)}
        assert reports.add_new(session, [sent, read]) == set()


def _event(key: str) -> dict[str, Any]:
    return {
        "id": new_id(), "type": "x", "key": key, "source": "live", "phone_number_id": PNID, "waba_id": None,
        "contact_id": None, "contact_sequence": None, "message_id": None, "notification_id": None, "position": None,
        "timestamp": NOW, "received_at": NOW, "created_at": NOW, "data": "{}",
    }  # fmt: skip


def _report(status: str) -> dict[str, Any]:
    return {
        "wamid": "wamid.1", "status": status, "participant": "", "phone_number_id": PNID, "message_id": None,
        "timestamp": NOW, "error": None, "pricing": None, "callback_data": None, "notification_id": None,
        "received_at": NOW,
    }  # fmt: skip
