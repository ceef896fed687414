"""Uploads by callers, sends that name them, and a Graph that takes files."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

import pytest
import responses
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.container import Gateway
from app.jobs.send_media import SendMedia
from tests.conftest import API_KEY
from tests.factories import ANA, PNID
from tests.services.sending.conftest import *  # noqa: F401,F403

MEDIA_URL = f"https://graph.example/v26.0/{PNID}/media"
KEY = {"Authorization": f"Bearer {API_KEY}"}


class Uploaded(list[dict[str, Any]]):
    """What Graph got as files: `type`, `content`, `filename` and the `id` that it gave."""


def read_upload(body: bytes, content_type: str) -> dict[str, Any]:
    """The parts of an upload."""
    boundary = content_type.partition("boundary=")[2].encode()
    parts: dict[str, Any] = {}
    for part in body.split(b"--" + boundary)[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        name = re.search(rb'name="([^"]+)"', head)
        assert name is not None
        if name[1] == b"file":
            filename = re.search(rb'filename="([^"]*)"', head)
            kind = re.search(rb"Content-Type: ([^\r]+)", head)
            assert filename is not None and kind is not None
            parts |= {"content": content[:-2], "filename": filename[1].decode(), "part_type": kind[1].decode()}
        else:
            parts[name[1].decode()] = content[:-2].decode()
    return parts


@pytest.fixture
def taking(graph: responses.RequestsMock) -> Uploaded:
    """A Graph that takes every file."""
    uploaded, ids = Uploaded(), itertools.count(1)

    def take(request: Any) -> tuple[int, dict[str, str], str]:
        body = request.body
        raw = body if isinstance(body, bytes) else b"".join(body)
        assert len(raw) == int(request.headers["Content-Length"])
        uploaded.append(read_upload(raw, request.headers["Content-Type"]) | {"id": f"90{next(ids)}"})
        return 200, {}, json.dumps({"id": uploaded[-1]["id"]})

    graph.add_callback(responses.POST, MEDIA_URL, take)
    return uploaded


@pytest.fixture
def upload(client: FlaskClient) -> Callable[..., TestResponse]:
    """POST a file to /api/media."""

    def upload_(content: bytes, filename: str = "a.bin", headers: dict[str, str] | None = None, **form: str) -> Any:
        data = {"file": (BytesIO(content), filename), **form}
        return client.post("/api/media", data=data, headers=KEY | (headers or {}))

    return upload_


@pytest.fixture
def kept(upload: Callable[..., TestResponse]) -> Callable[..., str]:
    """Upload a file; return our id."""

    def kept_(content: bytes, filename: str = "a.bin", **form: str) -> str:
        response = upload(content, filename, **form)
        assert response.status_code == 201, response.get_json()
        return str(response.get_json()["id"])

    return kept_


@pytest.fixture
def prepare(gateway: Gateway) -> Iterator[Callable[[], None]]:
    """Do what the worker does about files until nothing is due."""
    media = SendMedia(gateway.sends_awaiting_media, 4)

    def prepare_() -> None:
        while media.work() or media._running:
            for _, future in list(media._running.values()):
                future.result(20)

    yield prepare_
    media.close()


def send_body(kind: str, media_id: str, **more: Any) -> dict[str, Any]:
    return {"to": f"+{ANA}", "type": kind, kind: {"id": media_id, **more}}


def sent_contents(graph: responses.RequestsMock) -> list[dict[str, Any]]:
    """The bodies of the messages that Graph got."""
    return [json.loads(call.request.body or "") for call in graph.calls if str(call.request.url).endswith("/messages")]
