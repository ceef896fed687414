from __future__ import annotations

import io
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete, select, update

from app.clock import utc_now
from app.container import Gateway
from app.domain.media_types import MediaType
from app.models import Base, Contact, MediaFile, Message, SendAttempt, WorkerSeen
from app.services.audit_log import verify_chain
from app.services.backups import TakeSnapshots, places
from app.services.operations.audit import audit_balance
from app.store import media
from tests.cli.conftest import Run
from tests.conftest import API_KEY, on_sqlite, with_settings
from tests.factories import ANA, BO, contact, message_body, text

HEADERS = {"Authorization": f"Bearer {API_KEY}"}
BEA = BO

Receive = Callable[..., None]


@pytest.fixture
def queued(client: FlaskClient) -> str:
    body = {"to": f"+{BEA}", "message": "Still to be sent", "mode": "queued"}
    return str(client.post("/send/whatsapp", headers=HEADERS, json=body).get_json()["id"])


def wrote(name: str, phone: str) -> Any:
    return message_body(text(f"I am {name}", sender=phone), contacts=[contact(phone, name)])


def empty(gateway: Gateway) -> None:
    with gateway.database.write() as session:
        for table in reversed(Base.metadata.sorted_tables):
            session.execute(delete(table))


def status(gateway: Gateway, message_id: str) -> tuple[str, str | None]:
    with gateway.database.read() as session:
        row = session.get(Message, message_id)
        assert row is not None
        return row.status, row.held_for


def names(gateway: Gateway) -> set[str | None]:
    with gateway.database.read() as session:
        return set(session.scalars(select(Contact.name)))


def test_a_backup_brings_everything_back_and_sends_nothing_twice(
    run: Run, gateway: Gateway, receive: Receive, queued: str, tmp_path: Path
) -> None:
    receive(wrote("Ana", ANA))
    gateway.seal_audit_log()
    made = run("backup", str(tmp_path / "copy"))
    assert made.exit_code == 0, made.output
    assert "read back and complete" in made.output and "NOT encrypted" in made.output
    empty(gateway)

    restored = run("restore", str(tmp_path / "copy"))

    assert restored.exit_code == 0, restored.output
    assert "1 sends are held" in restored.output
    assert "Ana" in names(gateway)
    assert status(gateway, queued) == ("held", "restored")
    assert audit_balance(gateway.database, deep=True).problems == []
    gateway.seal_audit_log()
    assert verify_chain(gateway.database).is_intact
    with gateway.database.write() as session:  # the numbers that the database assigns go on
        session.add(SendAttempt(message_id=queued, number=7, state="refused", started_at=utc_now()))
    assert run("sends", "cancel", "--reason", "restored").output.startswith("1 cancelled")


def test_who_was_erased_since_is_forgotten_again_and_who_wrote_since_is_not(
    run: Run, gateway: Gateway, client: FlaskClient, receive: Receive, tmp_path: Path
) -> None:
    receive(wrote("Ana", ANA), wrote("Bea", BEA))
    run("backup", str(tmp_path / "old"))
    client.delete(f"/api/contacts/%2B{ANA}", headers=HEADERS)
    receive(wrote("Ana is back", ANA))
    run("backup", str(tmp_path / "new"))

    assert "0 people" in run("restore", "--force", str(tmp_path / "new")).output
    assert names(gateway) >= {"Bea", "Ana is back"}
    restored = run("restore", "--force", str(tmp_path / "old"))

    assert "1 people who were erased since then were forgotten again" in restored.output, restored.output
    assert names(gateway) == {"Bea"}
    with gateway.database.read() as session:
        texts = set(session.scalars(select(Message.message)))
    assert texts == {"I am Bea", "[erased]"}


@on_sqlite
def test_a_webhook_that_was_not_processed_yet_brings_nobody_back(
    run: Run, gateway: Gateway, client: FlaskClient, receive: Receive, post_webhook: Any, tmp_path: Path
) -> None:
    receive(wrote("Ana", ANA))
    post_webhook(wrote("Ana again", ANA))
    run("backup", str(tmp_path / "copy"))
    client.delete(f"/api/contacts/%2B{ANA}", headers=HEADERS)

    assert "1 people" in run("restore", "--force", str(tmp_path / "copy")).output

    assert names(gateway) == set()


@on_sqlite
def test_what_was_just_being_sent_is_held_too(
    run: Run, gateway: Gateway, queued: str, tmp_path: Path
) -> None:
    with gateway.database.write() as session:
        session.execute(update(Message).values(status="sending"))
        session.add(SendAttempt(message_id=queued, number=1, state="sending", started_at=utc_now()))
    run("backup", str(tmp_path / "copy"))

    run("restore", "--force", str(tmp_path / "copy"))

    assert status(gateway, queued) == ("held", "restored")


@on_sqlite
def test_a_database_that_holds_something_or_is_in_use_is_not_replaced(
    run: Run, gateway: Gateway, receive: Receive, tmp_path: Path
) -> None:
    receive(wrote("Ana", ANA))
    run("backup", str(tmp_path / "copy"))

    refused = run("restore", str(tmp_path / "copy"))
    assert (refused.exit_code, "The database is not empty" in refused.output) == (1, True)
    with gateway.database.write() as session:
        session.add(WorkerSeen(id="w", seen_at=utc_now(), host="mill", settings="{}"))
    refused = run("restore", str(tmp_path / "copy"))
    assert (refused.exit_code, "is running on this database (mill)" in refused.output) == (1, True)
    assert names(gateway) == {"Ana"}


@on_sqlite
def test_the_log_of_the_old_file_goes_aside_with_it(
    run: Run, gateway: Gateway, receive: Receive, tmp_path: Path
) -> None:
    receive(wrote("Ana", ANA))
    run("backup", str(tmp_path / "copy"))
    receive(wrote("Bea", BEA))
    path = Path(str(gateway.database.url.database))
    with closing(sqlite3.connect(path)) as reader:  # keeps the log from being removed
        reader.execute("BEGIN").execute("SELECT count(*) FROM contacts").fetchone()
        assert Path(f"{path}-wal").stat().st_size > 0
        restored = run("restore", "--force", str(tmp_path / "copy"))

    assert restored.exit_code == 0, restored.output
    assert names(gateway) == {"Ana"}
    assert [each.name for each in tmp_path.glob("whatsapp.db.replaced-*-wal")]


@on_sqlite
def test_a_backup_that_was_changed_leaves_everything_as_it_is(
    run: Run, gateway: Gateway, receive: Receive, tmp_path: Path
) -> None:
    receive(wrote("Ana", ANA))
    run("backup", str(tmp_path / "copy"))
    receive(wrote("Bea", BEA))
    data = bytearray((tmp_path / "copy").read_bytes())
    middle = len(data) // 2
    data[middle : middle + 64] = bytes(64)
    (tmp_path / "copy").write_bytes(data)

    refused = run("restore", "--force", str(tmp_path / "copy"))

    assert refused.exit_code == 1 and "Traceback" not in refused.output
    assert names(gateway) == {"Ana", "Bea"}


@on_sqlite
def test_an_encrypted_backup_needs_its_identity(
    run: Run, gateway: Gateway, receive: Receive, tmp_path: Path
) -> None:
    from pyrage import x25519

    identity = x25519.Identity.generate()
    (tmp_path / "identity").write_text(f"{identity}\n")
    receive(wrote("Ana", ANA))

    made = run("backup", str(tmp_path / "copy"), "--recipient", str(identity.to_public()))

    assert made.exit_code == 0 and "NOT encrypted" not in made.output, made.output
    assert b"SQLite" not in (tmp_path / "copy").read_bytes()
    assert "--identity" in run("restore", "--force", str(tmp_path / "copy")).output
    empty(gateway)
    assert run("restore", str(tmp_path / "copy"), "--identity", str(tmp_path / "identity")).exit_code == 0
    assert names(gateway) == {"Ana"}
    assert not [each for each in tmp_path.iterdir() if each.name.startswith((".backup-", ".restore-"))]


@on_sqlite
def test_a_backup_goes_to_a_store_and_comes_back(
    run: Run, gateway: Gateway, receive: Receive, monkeypatch: pytest.MonkeyPatch
) -> None:
    store: dict[str, bytes] = {}
    monkeypatch.setattr(places, "s3_client", lambda where: FakeStore(store))
    receive(wrote("Ana", ANA))

    assert run("backup", "s3://copies/of/today").exit_code == 0
    empty(gateway)
    assert run("restore", "s3://copies/of/today").exit_code == 0

    assert list(store) == ["copies/of/today"]
    assert names(gateway) == {"Ana"}


class FakeStore:
    """As much of a client of boto3 as a backup uses."""

    def __init__(self, store: dict[str, bytes]) -> None:
        self.store, self.parts = store, list[bytes]()

    def create_multipart_upload(self, **_: str) -> dict[str, str]:
        return {"UploadId": "1"}

    def upload_part(self, *, Body: bytes, ContentMD5: str, **_: Any) -> dict[str, str]:
        self.parts.append(Body)
        return {"ETag": ContentMD5}

    def complete_multipart_upload(self, *, Bucket: str, Key: str, **_: Any) -> None:
        self.store[f"{Bucket}/{Key}"] = b"".join(self.parts)

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        return {"Body": FakeBody(self.store[f"{Bucket}/{Key}"])}


class FakeBody(io.BytesIO):
    def iter_chunks(self, size: int) -> Any:
        return iter(lambda: self.read(size), b"")


@on_sqlite
def test_a_worker_takes_snapshots_and_keeps_the_newest(gateway: Gateway, tmp_path: Path) -> None:
    moment = [utc_now()]
    config = with_settings(gateway.config, backup_dir=str(tmp_path / "snapshots"), backup_keep=2)
    take = TakeSnapshots(config, gateway.database, gateway.erasures, None, "0", lambda: moment[0])

    taken = []
    for _ in range(4):
        taken += [take(), take()]
        moment[0] += timedelta(hours=1, seconds=1)

    assert taken == [True, False] * 4
    assert len(list((tmp_path / "snapshots").iterdir())) == 2


@on_sqlite
def test_a_snapshot_that_cannot_be_written_stops_no_worker(gateway: Gateway, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    config = with_settings(gateway.config, backup_dir=str(tmp_path / "file"))

    assert TakeSnapshots(config, gateway.database, gateway.erasures, None, "0", utc_now)() is False


@on_sqlite
def test_files_come_back_under_new_names(run: Run, gateway: Gateway, tmp_path: Path) -> None:
    vault = gateway.media.vault
    assert vault is not None
    kept = vault.put(iter([b"a picture"]), 100)
    with gateway.database.write() as session:
        media.share(session, kept.sha256, kept.key, kept.size, MediaType("image/jpeg"), utc_now())
        media.share(session, "0" * 64, "ab/ab" + "0" * 30, 5, MediaType("image/jpeg"), utc_now())
    made = run("backup", str(tmp_path / "copy"))
    assert "1 files" in made.output and "1 files were not in the vault" in made.output
    vault.delete(kept.key)

    restored = run("restore", "--force", str(tmp_path / "copy"))

    assert restored.exit_code == 0, restored.output
    with gateway.database.read() as session:
        key = session.scalars(select(MediaFile.key).where(MediaFile.sha256 == kept.sha256)).one()
    assert key != kept.key
    assert b"".join(vault.open(key)) == b"a picture"
