"""After a person was erased, no byte of theirs is left: in the database's files, in the vault, in the logs."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.container import Gateway
from app.domain.media import MediaState
from app.domain.media_types import MediaType
from app.models import Media
from app.services.messages import index_contacts, index_messages
from app.store import media
from tests.conftest import API_KEY, on_sqlite
from tests.factories import BO, contact, message_body, text

HEADERS = {"Authorization": f"Bearer {API_KEY}"}
PHONE = "4915123456789"
WORDS = (PHONE, "Zwetschgenkuchen", "Ottilie", "Holunderweg", "Brombeere", "Kastanie")

Receive = Callable[..., None]


@pytest.fixture
def log(gateway: Gateway) -> Iterator[Path]:
    """Where everything is logged that the gateway says at any level."""
    folder = Path(gateway.config.log_dir)
    folder.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(folder / "all.log")
    logging.getLogger("whatsapp_service").addHandler(handler)
    yield folder
    logging.getLogger("whatsapp_service").removeHandler(handler)
    handler.close()


def with_file(gateway: Gateway, content: bytes) -> str:
    """Put a file into the vault, as if it had been fetched, and return our id of it."""
    vault = gateway.media.vault
    assert vault is not None
    kept = vault.put(iter([content]), 10_000)
    with gateway.database.write() as session:
        found = session.scalars(select(Media.id)).one()
        media.share(session, kept.sha256, kept.key, kept.size, MediaType("image/jpeg"), gateway.now())
        values = {"state": MediaState.STORED, "sha256": kept.sha256, "size": kept.size, "filename": "Kastanie.jpg"}
        session.execute(update(Media).where(Media.id == found).values(values))
    return found


def picture(caption: str) -> Any:
    image = {"id": "733", "mime_type": "image/jpeg", "sha256": "aGFzaA==", "caption": caption}
    message = text(sender=PHONE) | {"type": "image", "image": image}
    del message["text"]
    return message_body(message, contacts=[contact(PHONE, "Ottilie")])


def holding(*folders: Path) -> dict[str, list[str]]:
    """Which files hold which words, in any letters."""
    found = {}
    for folder in folders:
        for path in folder.rglob("*"):
            if path.is_file():
                data = path.read_bytes().lower()
                held = [word for word in WORDS if word.lower().encode() in data]
                if held:
                    found[path.name] = held
    return found


@on_sqlite
def test_no_byte_of_an_erased_person_is_left(
    gateway: Gateway, client: FlaskClient, receive: Receive, log: Path, tmp_path: Path
) -> None:
    receive(message_body(text("Zwetschgenkuchen, please", sender=PHONE), contacts=[contact(PHONE, "Ottilie")]))
    receive(picture("Brombeere"), message_body(text("I am somebody else", sender=BO)))
    with_file(gateway, b"Kastanie" * 50)
    path = f"/api/contacts/%2B{PHONE}"
    client.patch(path, headers=HEADERS, json={"name": "Ottilie H.", "notes": "Lives in Holunderweg"})
    send = {"to": f"+{PHONE}", "message": "Holunderweg?", "mode": "queued"}
    client.post("/send/whatsapp", headers=HEADERS, json=send)
    client.get(f"{path}/export?format=json", headers=HEADERS)
    index_messages(gateway.database)
    index_contacts(gateway.database)
    gateway.seal_audit_log()
    assert {word for words in holding(tmp_path).values() for word in words} == set(WORDS)

    assert client.delete(path, headers=HEADERS).status_code == 200

    gateway.database.empty_wal()
    assert holding(tmp_path, log) == {}
    assert client.get("/api/messages?q=somebody", headers=HEADERS).get_json()["data"]


@on_sqlite
def test_a_file_that_others_sent_too_stays_for_them(
    gateway: Gateway, client: FlaskClient, receive: Receive
) -> None:
    receive(picture("Brombeere"))
    with_file(gateway, b"the same for all")
    with gateway.database.write() as session:
        sha256, key = session.execute(select(media._FILES.c.sha256, media._FILES.c.key)).one()
        media.share(session, sha256, "other", 16, MediaType("image/jpeg"), gateway.now())

    client.delete(f"/api/contacts/%2B{PHONE}", headers=HEADERS)

    assert gateway.media.vault is not None and gateway.media.vault.stat(key) == 16
