"""`PATCH` and `DELETE /api/contacts/<id>`, and its export."""

from __future__ import annotations

import base64
import io
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import responses
from flask.testing import FlaskClient
from sqlalchemy import text as sql
from sqlalchemy import update

from app.container import Gateway
from app.db.database import Database
from app.domain.media_types import MediaType
from app.models import Base, Media
from app.services.messages.search_index import index_messages
from app.services.operations.audit import audit_balance
from app.store import media
from tests.conftest import API_KEY, on_sqlite
from tests.factories import (
    ANA,
    BO,
    OTHER_PNID,
    PNID,
    SENT_AT,
    contact,
    echo,
    echo_body,
    message_body,
    status,
    status_body,
    text,
)

Get = Callable[..., Any]
Receive = Callable[..., None]
HEADERS = {"Authorization": f"Bearer {API_KEY}"}


@on_sqlite
def test_a_name_of_ours_stays_whatever_the_person_calls_itself(
    client: FlaskClient, get: Get, receive: Receive
) -> None:
    receive(message_body(text(), contacts=[contact(name="Ana")]))
    [listed] = get("/api/contacts")["data"]

    answer = _patch(client, listed["id"], {"name": "Ana, the baker", "notes": "Pays late"})
    receive(message_body(text(), contacts=[contact(name="Anita")]))

    assert answer.status_code == 200 and answer.get_json()["name"] == "Ana, the baker"
    known = get(f"/api/contacts/{listed['id']}")
    assert (known["name"], known["profile_name"], known["notes"]) == ("Ana, the baker", "Anita", "Pays late")
    [told] = get("/api/events", type="contact.updated")["data"]
    assert told["data"]["reason"] == "edited"
    assert _patch(client, listed["id"], {"name": None}).get_json()["name"] == "Anita"


def test_an_opt_out_by_the_api_holds_until_it_is_taken_back(client: FlaskClient, get: Get, receive: Receive) -> None:
    receive(message_body(text()))
    [listed] = get("/api/contacts")["data"]

    out = _patch(client, listed["id"], {"opted_out": True, "phone_number_id": PNID}).get_json()
    back = _patch(client, listed["id"], {"opted_out": False}).get_json()

    assert out["opt_outs"][PNID]["how"] == "api" and back["opt_outs"] == {}
    reasons = [each["data"]["reason"] for each in get("/api/events", type="contact.updated")["data"]]
    assert reasons == ["opted_in", "opted_out"]


@on_sqlite
@pytest.mark.parametrize(
    "body", [{"opted_out": "yes"}, {"name": ""}, {"name": 7}, {"phone_number_id": "12345"}, {"wa_id": "1"}]
)
def test_what_cannot_be_is_refused(client: FlaskClient, get: Get, receive: Receive, body: dict[str, Any]) -> None:
    receive(message_body(text()))
    [listed] = get("/api/contacts")["data"]

    answer = _patch(client, listed["id"], body)

    assert answer.status_code == 422 and set(answer.get_json()["error"]["fields"]) == set(body)


@on_sqlite
def test_contacts_of_other_numbers_are_not_there(
    client: FlaskClient, get: Get, receive: Receive, gateway: Gateway
) -> None:
    receive(message_body(text(), number=OTHER_PNID))
    [listed] = get("/api/contacts")["data"]
    headers = {"Authorization": f"Bearer {gateway.api_keys.make('bound', ['send', 'read'], [PNID])}"}

    path = f"/api/contacts/{listed['id']}"
    assert client.patch(path, json={"notes": "x"}, headers=headers).status_code == 404
    assert client.get(f"{path}/export", headers=headers).status_code == 404
    assert client.delete(path, headers=headers).status_code == 403
    assert client.delete("/api/contacts/nobody", headers=HEADERS).status_code == 404


@on_sqlite
def test_the_export_has_everything_that_was_said(get: Get, receive: Receive) -> None:
    receive(message_body(text("First"), text("Second")), message_body(text("Not hers", sender=BO)))
    ana = get("/api/contacts")["data"][1]

    exported = get(f"/api/contacts/{ana['id']}/export", format="json")

    assert exported["contact"] == ana
    assert [each["message"] for each in exported["messages"]] == ["First", "Second"]
    assert [each["data"]["message"] for each in exported["events"]] == ["First", "Second"]


def test_a_long_export_is_written_portion_by_portion(
    get: Get, receive: Receive, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.services.contacts.export.BATCH_SIZE", 3)
    receive(message_body(*(text(f"{n}", timestamp=SENT_AT + n // 4) for n in range(11))))
    [ana] = get("/api/contacts")["data"]

    exported = client.get(f"/api/contacts/{ana['id']}/export?format=json", headers=HEADERS)

    parts = [part for part in exported.iter_encoded()]
    whole = json.loads(b"".join(parts))
    assert len(parts) > 8 and exported.content_length is None
    assert sorted(int(each["message"]) for each in whole["messages"]) == list(range(11))
    assert [each["data"]["message"] for each in whole["events"]] == [f"{n}" for n in range(11)]
    assert (
        client.get("/api/contacts/nobody/export", headers={"Authorization": f"Bearer {API_KEY}"}).status_code == 404
    )


def test_an_erased_person_is_nowhere_and_the_books_balance(
    client: FlaskClient, get: Get, receive: Receive, database: Database
) -> None:
    body = message_body(text("My secret", id="wamid.in"), contacts=[contact(name="Ana Unique", user_id="AR.987")])
    receive(body, body, echo_body(echo("wamid.out", "Our secret")), status_body(status("wamid.out")))
    receive(message_body(text("Keep this", sender=BO)))
    bo, ana = get("/api/contacts")["data"]
    assert _patch(client, ana["id"], {"notes": "A secret note", "opted_out": True}).status_code == 200

    assert client.delete(f"/api/contacts/{ana['id']}", headers=HEADERS).status_code == 200

    assert client.get(f"/api/contacts/{ana['id']}", headers=HEADERS).status_code == 404
    assert audit_balance(database, deep=True).problems == []
    everything = _dump(database)
    for secret in (ANA, "AR.987", "Ana Unique", "secret", "wamid.in", "wamid.out"):
        assert secret not in everything, secret
    assert "Keep this" in everything and get("/api/contacts")["data"] == [bo]
    told = get("/api/events", type="contact.updated")["data"][0]["data"]
    assert told == {
        "contact": {"id": ana["id"]} | dict.fromkeys(
            ("wa_id", "user_id", "parent_user_id", "username", "name", "profile_name")
        ),
        "previous": None, "reason": "erased", "opt_out": None, "handover": None,
    }
    assert sorted(each["status"] for each in get("/api/messages")["data"]) == ["delivered", "received", "received"]


def test_an_erased_person_is_not_in_what_came_from_elsewhere_either(
    client: FlaskClient, get: Get, receive: Receive, database: Database
) -> None:
    """Reports on messages that were sent elsewhere, on messages to groups, and the keys of requests."""
    foreign = "wamid." + base64.b64encode(f"\x1d\x13{ANA}\x15\x02".encode()).decode()
    theirs = "wamid." + base64.b64encode(f"\x1d\x13{BO}\x15\x02".encode()).decode()
    to_group = status("wamid.G", recipient_participant_id=ANA, recipient_id="Y2FwaV9n", recipient_type="group")
    receive(message_body(text("Hi", id="wamid.in")), status_body(status(foreign)), status_body(status(theirs, to=BO)))
    receive(status_body(to_group))
    with responses.RequestsMock() as graph:
        graph.post(re.compile(".*"), json={"messages": [{"id": "wamid.out"}]})
        send = {"to": f"+{ANA}", "message": "x", "force": True}
        keyed = {**HEADERS, "Idempotency-Key": f"hello {ANA} Ana Unique"}
        sent = [client.post("/send/whatsapp", json=send, headers=keyed) for _ in range(2)]
        assert len(graph.calls) == 1 and sent[1].headers["Idempotent-Replayed"] == "true"
    assert "Ana Unique" not in _dump(database)
    [ana] = [each for each in get("/api/contacts")["data"] if each["wa_id"] == ANA]

    assert client.delete(f"/api/contacts/{ana['id']}", headers=HEADERS).status_code == 200

    everything = _dump(database)
    assert ANA not in everything and foreign not in everything
    assert theirs in everything


@on_sqlite
def test_an_erased_person_is_in_no_byte_of_the_files(
    client: FlaskClient, get: Get, receive: Receive, gateway: Gateway, tmp_path: Path
) -> None:
    words = "unforgettable zanahoria"
    receive(*(message_body(text(f"{words} {n} " + "y" * 900, id=f"wamid.{n}")) for n in range(60)))
    receive(*(message_body(text(f"keep {n} " + "z" * 900, id=f"wamid.k{n}", sender=BO)) for n in range(60)))
    index_messages(gateway.database)
    [ana] = [each for each in get("/api/contacts")["data"] if each["wa_id"] == ANA]
    assert get("/api/messages", q="zanahoria")["data"]

    assert client.delete(f"/api/contacts/{ana['id']}", headers=HEADERS).status_code == 200
    index_messages(gateway.database)
    assert gateway.database.empty_wal()

    files = {path.name: path.read_bytes() for path in tmp_path.glob("whatsapp.db*")}
    for needle in (ANA, "unforgettable", "zanahoria"):
        assert [name for name, content in files.items() if needle.encode() in content] == [], needle
    assert get("/api/messages", q="keep")["data"]


@on_sqlite
def test_an_erased_webhook_is_not_read_again(
    client: FlaskClient, get: Get, receive: Receive, gateway: Gateway
) -> None:
    receive(message_body(text()))
    [ana] = get("/api/contacts")["data"]
    assert client.delete(f"/api/contacts/{ana['id']}", headers=HEADERS).status_code == 200
    [row] = get("/api/notifications")["data"]

    assert client.post(f"/api/notifications/{row['id']}/replay", headers=HEADERS).status_code == 202
    receive()

    assert get("/api/notifications")["data"][0]["state"] == "processed"
    assert audit_balance(gateway.database, deep=True).problems == []


def test_a_refusal_of_metas_is_a_wish(client: FlaskClient, get: Get, gateway: Gateway) -> None:
    config = gateway.config
    error = {"error": {"message": "stopped", "code": 131050, "type": "OAuthException"}}
    send = {"to": f"+{ANA}", "type": "template", "template": {"name": "offer", "language": {"code": "es"}}}
    with responses.RequestsMock() as graph:
        graph.post(f"{config.graph_api_url}/{config.graph_api_version}/{PNID}/messages", json=error, status=400)
        first = client.post("/send/whatsapp", json=send, headers=HEADERS)
        second = client.post("/send/whatsapp", json=send, headers=HEADERS)
        # The second asks whether the template is marketing at all, and is not sent.
        assert [call.request.method for call in graph.calls] == ["POST", "GET"]

    assert first.get_json()["error"]["code"] == "refused" and second.get_json()["error"]["code"] == "opted_out"
    assert get("/api/contacts")["data"][0]["opt_outs"][PNID]["how"] == "refused"


def _patch(client: FlaskClient, contact_id: str, body: dict[str, Any]):  # type: ignore[no-untyped-def]
    return client.patch(f"/api/contacts/{contact_id}", json=body, headers=HEADERS)


def _dump(database: Database) -> str:
    with database.read() as session:
        tables = Base.metadata.sorted_tables
        return "\n".join(repr(tuple(row)) for each in tables for row in session.execute(sql(f"SELECT * FROM {each}")))


@on_sqlite
def test_an_export_is_a_zip_with_a_page_for_people_and_the_files(
    client: FlaskClient, gateway: Gateway, get: Get, receive: Receive
) -> None:
    image = {"id": "733", "mime_type": "image/jpeg", "sha256": "aGFzaA==", "caption": "<b>Look</b>"}
    message = {**text("x"), "type": "image", "image": image}
    del message["text"]
    receive(message_body(message, contacts=[contact()]), message_body(text("Second")))
    vault = gateway.media.vault
    assert vault is not None
    kept = vault.put(iter([b"\xff\xd8\xff picture"]), 100)
    with gateway.database.write() as session:
        media.share(session, kept.sha256, kept.key, kept.size, MediaType("image/jpeg"), gateway.now())
        values = {"state": "stored", "sha256": kept.sha256, "mime_type": "image/jpeg", "filename": "../<a>.jpg"}
        session.execute(update(Media).values(values))
    ana = get("/api/contacts")["data"][0]

    answer = client.get(f"/api/contacts/{ana['id']}/export", headers=HEADERS)

    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        assert archive.testzip() is None
        (picture,) = (name for name in archive.namelist() if name.startswith("media/"))
        assert archive.read(picture) == b"\xff\xd8\xff picture"
        assert json.loads(archive.read("contact.json")) == get(f"/api/contacts/{ana['id']}/export", format="json")
        page = archive.read("index.html").decode()
    assert f'<img src="{picture}"' in page and "&lt;b&gt;Look&lt;/b&gt;" in page and "<b>" not in page
    assert answer.mimetype == "application/zip"
    assert "Second" in page and ".zip" in answer.headers["Content-Disposition"]


@on_sqlite
def test_an_export_has_the_notes_and_labels_of_the_persons_conversations(
    client: FlaskClient, gateway: Gateway, get: Get, receive: Receive
) -> None:
    receive(message_body(text("Hers")), message_body(text("His", sender=BO)))
    receive(message_body(text("Elsewhere"), number=OTHER_PNID))
    for conversation in get("/api/conversations")["data"]:
        path, number = f"/api/conversations/{conversation['id']}", conversation["phone_number_id"]
        words = f"<i>{conversation['contact']['wa_id']}</i> on {number}"
        label = client.post("/api/labels", json={"name": words}, headers=HEADERS).get_json()["id"]
        client.put(f"{path}/labels", json={"labels": [label]}, headers=HEADERS)
        client.post(f"{path}/notes", json={"text": f"Note: {words}"}, headers=HEADERS)
    bound = gateway.api_keys.make("bound", ["read"], [PNID])

    def kept(exported: Any) -> dict[str, tuple[list[str], list[str]]]:
        return {
            each["phone_number_id"]: (each["labels"], [note["text"] for note in each["notes"]])
            for each in exported["conversations"]
        }

    whole = get(f"/api/contacts/%2B{ANA}/export", format="json")
    part = get(f"/api/contacts/%2B{ANA}/export", key=bound, format="json")
    page = client.get(f"/api/contacts/%2B{ANA}/export", headers=HEADERS).data

    said = {each: f"<i>{ANA}</i> on {each}" for each in (PNID, OTHER_PNID)}
    assert kept(whole) == {number: ([words], [f"Note: {words}"]) for number, words in said.items()}
    assert kept(part) == {PNID: ([said[PNID]], [f"Note: {said[PNID]}"])}
    with zipfile.ZipFile(io.BytesIO(page)) as archive:
        html = archive.read("index.html").decode()
    assert f"Note: &lt;i&gt;{ANA}&lt;/i&gt; on {PNID}" in html and "<i>" not in html and BO not in html
