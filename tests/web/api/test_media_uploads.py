"""POST /api/media: files arrive whole or not at all, and are what their content says."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.config.settings import Config
from app.container import Gateway
from app.db.database import Database
from app.models import Media
from app.services.outbound_media import UploadMedia
from tests.conftest import API_KEY, on_sqlite
from tests.conversion.making import picture, sound
from tests.factories import PNID

KEY = {"Authorization": f"Bearer {API_KEY}"}
JPEG = picture("JPEG")
MB = 1024 * 1024

pytestmark = on_sqlite


def form(content: bytes, filename: str = "a.jpg", mime_type: str = "image/jpeg", **fields: str) -> dict[str, Any]:
    return {"file": (BytesIO(content), filename, mime_type), **fields}


def test_a_file_in_a_form_is_kept_and_described(client: FlaskClient, database: Database) -> None:
    response = client.post("/api/media", data=form(JPEG), headers=KEY)

    answer = response.get_json()
    assert response.status_code == 201, answer
    assert answer | {"id": "", "url": "", "created_at": "", "stored_at": ""} == {
        "id": "", "direction": "outbound", "state": "stored", "reason": None, "phone_number_id": PNID,
        "message_id": None, "meta_media_id": None, "mime_type": "image/jpeg", "size": len(JPEG),
        "sha256": hashlib.sha256(JPEG).hexdigest(), "filename": "a.jpg", "created_at": "", "stored_at": "",
        "expires_at": None, "url": "", "thumbnail_url": None,
    }  # fmt: skip
    content = client.get(f"/api/media/{answer['id']}/content", headers=KEY)
    assert (content.data, content.mimetype) == (JPEG, "image/jpeg")


def test_a_file_may_be_the_whole_body(client: FlaskClient) -> None:
    recording = sound("webm", "libopus")

    response = client.post(
        "/api/media?type=voice&filename=note.webm", data=recording, headers=KEY | {"Content-Type": "audio/webm"}
    )

    assert response.status_code == 201
    assert response.get_json()["size"] == len(recording)
    assert response.get_json()["filename"] == "note.webm"


def test_the_content_decides_the_type_and_not_what_is_said_of_it(client: FlaskClient) -> None:
    page = b"<!doctype html><script>alert(1)</script>"

    kept = client.post("/api/media", data=form(page, "photo.jpg"), headers=KEY).get_json()
    refused = client.post("/api/media", data=form(page, "photo.jpg", type="image"), headers=KEY)

    assert (kept["mime_type"], kept["filename"]) == ("text/html", "photo.jpg.html")
    assert refused.status_code == 422
    assert refused.get_json()["error"]["fields"]["file"] == [
        "Meta takes as image: JPEG or PNG (8 bits, RGB or RGBA), up to 5 MB. This file is text/html, 1 KB."
    ]


@pytest.mark.parametrize(
    ("data", "headers", "status", "said"),
    [
        (form(b""), {}, 422, "is empty"),
        ({"other": (BytesIO(b"x"), "a")}, {}, 422, "file"),
        ({"type": "image"}, {}, 422, "file"),
        (form(JPEG, type="photo"), {}, 422, "type"),
        (form(JPEG, colour="red"), {}, 422, "colour"),
        (form(JPEG, phone_number_id="123456789012345"), {}, 404, "phone_number_id"),
        (b"", {"Content-Type": "image/jpeg"}, 422, "is empty"),
        (b"--x\r\nContent-Disposition", {"Content-Type": "multipart/form-data; boundary=x"}, 422, "file"),
        (b"nothing", {"Content-Type": "multipart/form-data"}, 422, "file"),
        (form(JPEG) | {"file2": (BytesIO(b"x"), "b")}, {}, 422, "one file"),
    ],
)
def test_what_is_wrong_with_an_upload_is_said(
    client: FlaskClient, database: Database, config: Config, data: Any, headers: dict[str, str], status: int, said: str
) -> None:
    if isinstance(data, dict):
        data = {name: (BytesIO(each[0].getvalue()), *each[1:]) if isinstance(each, tuple) else each
                for name, each in data.items()}  # fmt: skip

    response = client.post("/api/media", data=data, headers=KEY | headers)

    assert response.status_code == status, response.get_json()
    assert said in json.dumps(response.get_json())
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Media)) == 0
    assert files_below(Path(config.media_dir)) == []


def test_a_file_above_metas_100_mb_is_refused_by_its_length_and_by_its_bytes(
    client: FlaskClient, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = client.post("/api/media", headers=KEY, environ_overrides={"CONTENT_LENGTH": str(101 * MB)})
    assert (long.status_code, long.get_json()["error"]["code"]) == (413, "too_large")

    monkeypatch.setattr("app.web.api.media_uploads.LARGEST", 1000)
    monkeypatch.setattr("app.services.outbound_media.upload.LARGEST", 1000)
    monkeypatch.setattr("app.web.uploads.FORM_ROOM", 500)
    for data, kind in ((b"x" * 1400, "image/jpeg"), (form(b"x" * 5000), "multipart/form-data")):
        response = client.post("/api/media", data=data, headers=KEY | {"Content-Type": kind})
        assert (response.status_code, response.get_json()["error"]["code"]) == (413, "too_large")
    assert files_below(Path(config.media_dir)) == []


def test_a_part_of_a_form_without_a_name_is_refused_as_such(client: FlaskClient) -> None:
    nameless = b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n"
    file = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n' + JPEG + b"\r\n--b--\r\n"
    headers = KEY | {"Content-Type": "multipart/form-data; boundary=b"}

    response = client.post("/api/media", data=nameless + file, headers=headers)

    assert response.status_code == 422
    assert list(response.get_json()["error"]["fields"]) == [""]


def test_a_body_that_breaks_off_leaves_nothing(client: FlaskClient, config: Config) -> None:
    response = client.post(
        "/api/media", input_stream=BytesIO(JPEG[:50]), headers=KEY, content_type="image/jpeg",
        environ_overrides={"CONTENT_LENGTH": str(len(JPEG))},
    )

    assert (response.status_code, response.get_json()["error"]["code"]) == (400, "malformed")
    assert files_below(Path(config.media_dir)) == []


def test_a_key_makes_one_file_of_a_repeated_upload_and_refuses_another_content(
    client: FlaskClient, database: Database
) -> None:
    key = KEY | {"Idempotency-Key": "photo-1"}

    first = client.post("/api/media", data=form(JPEG), headers=key)
    again = client.post("/api/media", data=form(JPEG), headers=key)
    other = client.post("/api/media", data=form(picture("PNG")), headers=key)

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.get_json() == again.get_json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (other.status_code, other.get_json()["error"]["code"]) == (422, "idempotency_mismatch")
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Media)) == 1


def test_the_same_content_is_stored_once(client: FlaskClient, config: Config, gateway: Gateway) -> None:
    ids = {client.post("/api/media", data=form(JPEG), headers=KEY).get_json()["id"] for _ in range(3)}
    while gateway.media_work is not None and gateway.media_work.discard():
        pass

    assert len(ids) == 3
    assert len(files_below(Path(config.media_dir))) == 1


def test_where_no_files_are_kept_uploads_are_refused_with_the_remedy(
    client: FlaskClient, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    without = UploadMedia(gateway.database, gateway.directory, None, gateway.now)
    object.__setattr__(gateway, "upload_media", without)

    response = client.post("/api/media", data=form(JPEG), headers=KEY)

    assert response.status_code == 503
    assert "MEDIA_S3_BUCKET" in response.get_json()["error"]["message"]


def test_a_key_without_the_scope_send_may_not_upload(client: FlaskClient, new_key: Callable[..., str]) -> None:
    response = client.post("/api/media", data=form(JPEG), headers={"Authorization": f"Bearer {new_key('read')}"})

    assert response.status_code == 403


@pytest.fixture
def new_key(gateway: Gateway) -> Callable[..., str]:
    def make(*scopes: str) -> str:
        return gateway.api_keys.make("bot", scopes, None)

    return make


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()] if folder.exists() else []
