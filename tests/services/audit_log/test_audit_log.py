from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete, update

from app.container import Gateway
from app.errors import Malformed
from app.models import AuditEntry
from app.services.audit_log import export_entries, verify_chain, verify_export
from app.services.audit_log.record import erase_details
from app.services.audit_log.seal import SealAuditLog
from app.store import audit_log
from tests.conftest import API_KEY, on_sqlite
from tests.factories import message_body, text

HEADERS = {"Authorization": f"Bearer {API_KEY}"}


def record(gateway: Gateway, *subjects: str) -> None:
    for subject in subjects:
        gateway.audit_log.record_now(act="test.done", subject=subject, details={"name": "Ana", "count": 3})


def test_sealed_entries_form_a_chain_that_holds(gateway: Gateway) -> None:
    record(gateway, "a:1", "a:2")
    gateway.seal_audit_log()
    record(gateway, "a:3")

    verdict = verify_chain(gateway.database)

    assert (verdict.is_intact, verdict.entries, verdict.unsealed, verdict.place) == (True, 2, 1, 2)


def test_what_is_sealed_while_the_chain_is_read_was_not_taken_away(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(gateway, "a:1", "a:2")
    gateway.seal_audit_log()
    real = audit_log.find_head

    def late(session: Any) -> Any:
        head = real(session)
        monkeypatch.setattr(audit_log, "find_head", real)
        record(gateway, "a:3")
        gateway.seal_audit_log()
        return head

    monkeypatch.setattr(audit_log, "find_head", late)
    assert verify_chain(gateway.database).is_intact
    monkeypatch.setattr(audit_log, "find_head", late)
    assert verify_export(json.dumps(line) for line in export_entries(gateway.database)).is_intact


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"actor": "key:somebody"}, "the entry at place 2 was changed"),
        ({"details": "{}"}, "the details at place 2 were changed"),
        ({"place": 9}, "place 2 is missing"),
    ],
)
def test_the_first_entry_that_was_changed_is_named(gateway: Gateway, change: dict[str, object], said: str) -> None:
    record(gateway, "a:1", "a:2", "a:3")
    gateway.seal_audit_log()
    with gateway.database.write() as session:
        session.execute(update(AuditEntry).where(AuditEntry.subject == "a:2").values(**change))

    verdict = verify_chain(gateway.database)

    assert not verdict.is_intact
    assert said in str(verdict.problem)


def test_an_entry_that_was_removed_is_missed_in_the_middle_and_at_the_end(gateway: Gateway) -> None:
    record(gateway, "a:1", "a:2", "a:3")
    gateway.seal_audit_log()

    for subject, said in (("a:3", "the entries after place 2 are missing"), ("a:1", "place 1 is missing")):
        with gateway.database.write() as session:
            session.execute(delete(AuditEntry).where(AuditEntry.subject == subject))
        assert said in str(verify_chain(gateway.database).problem)


def test_a_chain_that_was_written_anew_lacks_the_hash_that_was_noted(gateway: Gateway) -> None:
    record(gateway, "a:1")
    gateway.seal_audit_log()
    noted = verify_chain(gateway.database).hash
    assert verify_chain(gateway.database, noted).is_intact

    with gateway.database.write() as session:
        session.execute(update(AuditEntry).values(actor="key:other", hash=None, place=None))
        head = audit_log.lock_head(session)
        head.place, head.hash = head.base_place, head.base_hash
    gateway.seal_audit_log()

    assert verify_chain(gateway.database).is_intact
    assert not verify_chain(gateway.database, noted).is_intact


def test_erased_details_are_pseudonyms_and_the_chain_holds(gateway: Gateway) -> None:
    record(gateway, "contact:1", "contact:2")
    gateway.seal_audit_log()

    with gateway.database.write() as session:
        erase_details(session, audit_log.about(session, ["contact:1"], "1", []), b"key")

    verdict = verify_chain(gateway.database)
    with gateway.database.read() as session:
        kept, erased = audit_log.page(session, audit_log.AuditFilter(), limit=9)
    assert (verdict.is_intact, verdict.erased) == (True, 1)
    assert "Ana" not in erased.details and json.loads(erased.details)["name"].startswith("erased:")
    assert "Ana" in kept.details


def test_workers_that_seal_at_once_give_each_entry_one_place(gateway: Gateway) -> None:
    record(gateway, *(f"a:{number}" for number in range(40)))
    threads = [threading.Thread(target=SealAuditLog(gateway.database)) for _ in range(3)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    verdict = verify_chain(gateway.database)
    assert (verdict.is_intact, verdict.entries, verdict.unsealed) == (True, 40, 0)


@on_sqlite
def test_an_export_verifies_and_one_that_was_cut_off_does_not(gateway: Gateway) -> None:
    record(gateway, "a:1", "a:2")
    gateway.seal_audit_log()
    lines = [json.dumps(line) for line in export_entries(gateway.database)]

    assert verify_export(lines).is_intact
    assert not verify_export(lines[:-1]).is_intact
    assert not verify_export([lines[0], *lines[2:]]).is_intact
    with pytest.raises(Malformed):
        verify_export(["{"])


@on_sqlite
def test_what_callers_do_is_recorded_with_their_key_and_lists_are_not(
    client: FlaskClient, gateway: Gateway, receive: Callable[..., None]
) -> None:
    receive(message_body(text("Hola")))
    contact = client.get("/api/contacts", headers=HEADERS).get_json()["data"][0]["id"]
    notification = client.get("/api/notifications", headers=HEADERS).get_json()["data"][0]["id"]
    client.patch(f"/api/contacts/{contact}", headers=HEADERS, json={"name": "Ana"})
    client.post(f"/api/contacts/{contact}/handover", headers=HEADERS, json={"to": "human"})
    client.get(f"/api/contacts/{contact}/export", headers=HEADERS)
    client.get(f"/api/notifications/{notification}/raw", headers=HEADERS)
    client.post(f"/api/notifications/{notification}/replay", headers=HEADERS)
    client.delete(f"/api/contacts/{contact}", headers=HEADERS)

    listed = client.get("/api/audit?limit=6", headers=HEADERS).get_json()

    assert [(each["actor"], each["act"], each["subject"]) for each in listed["data"]] == [
        ("key:API_KEY", act, subject)
        for act, subject in (
            ("contact.erased", f"contact:{contact}"),
            ("notification.replayed", f"notification:{notification}"),
            ("notification.downloaded", f"notification:{notification}"),
            ("contact.exported", f"contact:{contact}"),
            ("contact.handed_over", f"contact:{contact}"),
            ("contact.changed", f"contact:{contact}"),
        )
    ]
    assert listed["data"][5]["erased"] and "Ana" not in json.dumps(listed), "the person was erased afterwards"
    more = client.get(f"/api/audit?cursor={listed['next_cursor']}", headers=HEADERS).get_json()
    assert more == {"data": [], "next_cursor": None}


@on_sqlite
@pytest.mark.parametrize(
    ("query", "count"),
    [("actor=key:API_KEY", 2), ("act=endpoint.added", 1), ("act=endpoint.", 2), ("act=number.", 0),
     ("subject=contact:1", 0), ("since=2100-01-01T00:00:00Z", 0), ("until=2100-01-01T00:00:00Z", 2)],
)  # fmt: skip
def test_the_list_is_filtered(client: FlaskClient, query: str, count: int) -> None:
    added = client.post("/api/endpoints", headers=HEADERS, json={"url": "https://app.example.com/"}).get_json()
    client.delete(f"/api/endpoints/{added['id']}", headers=HEADERS)

    listed = client.get(f"/api/audit?{query}", headers=HEADERS).get_json()["data"]

    assert len(listed) == count


@on_sqlite
def test_a_failed_act_leaves_no_entry(client: FlaskClient) -> None:
    assert client.post("/api/messages/none/cancel", headers=HEADERS).status_code == 404

    assert client.get("/api/audit", headers=HEADERS).get_json()["data"] == []
