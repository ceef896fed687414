"""A Meta on loopback that gives files out as a test wants, and a worker's lane that fetches them."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from app.clock import utc_now
from app.container import Gateway
from app.graph.client import GraphClient
from app.jobs.fetch_media import FetchMedia
from app.models import Job, Media
from app.services.media import FetchFile, FetchQueue, MetaFiles
from app.store import media
from app.store.media import LATER, LIVE
from app.vault import FolderVault
from tests.conftest import Clock
from tests.factories import text
from tests.graph.far_end import FarEnd, Script, far_end

JPEG = b"\xff\xd8\xff" + b"picture" * 20_000


def digest(content: bytes) -> str:
    """A SHA-256 as webhooks write it."""
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


def answer(body: bytes, status: str = "200 OK", *headers: str, length: int | None = None) -> bytes:
    """The bytes of an answer."""
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


class FakeMeta:
    """Answers by path. `say` sets what a path answers: bytes, or a script. Unknown paths are Graph's code 100."""

    def __init__(self) -> None:
        self.says: dict[str, bytes | Script] = {}
        self.end: FarEnd

    def url(self, path: str = "/file") -> str:
        """The URL of a path."""
        return f"{self.end.url}{path}"

    def info(self, media_id: str = "111", **fields: Any) -> None:
        """Let Graph know a file."""
        body = {"url": self.url(), "mime_type": "image/jpeg", "id": media_id, **fields}
        self.says[f"/v26.0/{media_id}"] = answer(json.dumps(body).encode(), "200 OK", "Content-Type: application/json")

    def paths(self) -> list[str]:
        """What was asked for, in order."""
        return [request.split()[1].decode().partition("?")[0] for request in self.end.requests]

    def script(self, connection: socket.socket) -> None:
        """Answer the last request."""
        error = b'{"error":{"code":100,"error_subcode":33,"message":"Unsupported get request."}}'
        said = self.says.get(self.paths()[-1], answer(error, "400 Bad Request"))
        if isinstance(said, bytes):
            connection.sendall(said)
        else:
            said(connection)


class Lane:
    """A worker's lane of fetches, run by hand, with the clock of the test."""

    def __init__(self, gateway: Gateway, meta: FakeMeta, clock: Clock, threads: int = 1, kind: str = LIVE) -> None:
        self.gateway, self.clock = gateway, clock
        vault = gateway.media.vault
        assert isinstance(vault, FolderVault)
        self.vault = vault
        graph = GraphClient(meta.end.url, "v26.0", service_version="0", timeout_seconds=2)
        fetch = FetchFile(MetaFiles(graph, gateway.directory), vault, clock)
        self.lane = FetchMedia(kind, FetchQueue(gateway.database, clock), fetch, threads)

    def run(self) -> None:
        """Fetch what is due, and record it."""
        self.clock.now = max(self.clock.now, utc_now())  # webhooks come by the real one
        until = time.monotonic() + 20
        while self.lane.work():
            assert time.monotonic() < until

    def later(self, **more: float) -> None:
        """Let time go by, then fetch."""
        self.clock.now += timedelta(**more)
        self.run()

    def files(self) -> Sequence[Media]:
        """The rows of all files, oldest first."""
        with self.gateway.database.read() as session:
            return session.scalars(select(Media).order_by(Media.id)).all()

    def jobs(self) -> Sequence[Job]:
        """The jobs about files."""
        with self.gateway.database.read() as session:
            return session.scalars(select(Job).where(Job.kind.in_((LIVE, LATER, "discard"))).order_by(Job.id)).all()

    def forget(self) -> None:
        """Delete all files, so that the next case begins with none."""
        with self.gateway.database.write() as session:
            media.release(session, [row.id for row in self.files()], self.clock(), None)
        work = self.gateway.media_work
        assert work is not None
        while work.discard():
            pass

    def half_received(self) -> list[str]:
        """What lies in the vault's folder for what is being received."""
        folder = self.vault.folder / "incoming"
        return [path.name for path in folder.iterdir()] if folder.is_dir() else []


@contextmanager
def fake_meta() -> Iterator[FakeMeta]:
    """A Meta of the test's own."""
    meta = FakeMeta()
    with far_end(meta.script) as meta.end:
        yield meta


def media_message(kind: str = "image", **about: Any) -> dict[str, Any]:
    """A customer's message with a file."""
    return {**text(), "type": kind, kind: {"id": "111", "mime_type": "image/jpeg", **about}}


Receive = Callable[..., None]
