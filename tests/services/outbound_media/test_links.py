"""Links that the gateway fetches: always, or when Meta could not; and never from addresses that are not allowed."""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import responses
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.config.settings import Config, load_config
from app.container import Gateway
from app.db.database import Database
from app.models import Message
from app.subscribers.link_client import CannotFetch, LinkClient
from tests.conftest import SETTINGS, Clock, PostWebhook, on_sqlite
from tests.conversion.making import picture
from tests.factories import ANA, SENT_AT, status, status_body
from tests.services.outbound_media.conftest import Uploaded, sent_contents
from tests.services.sending.conftest import accept_all, status_of, told

pytestmark = on_sqlite

Post = Callable[..., TestResponse]
JPEG = picture("JPEG")
LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)
FAILED = {"code": 131053, "title": "Media upload error", "error_data": {"details": "weblink failed, http code 403"}}


class _Files(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.asked.append(self.path)  # type: ignore[attr-defined]
        if self.path == "/photo.jpg":
            return self._say(200, JPEG, "application/octet-stream")
        if self.path == "/moved":
            return self._say(302, b"", location="/photo.jpg")
        if self.path == "/round":
            return self._say(302, b"", location="/round")
        if self.path == "/inside":
            return self._say(302, b"", location="http://169.254.169.254/latest/meta-data/")
        if self.path == "/endless":
            self.send_response(200)
            self.end_headers()
            try:
                while True:
                    self.wfile.write(bytes(65536))
            except OSError:
                return None
        return self._say(int(self.path[1:]) if self.path[1:].isdecimal() else 404, b"")

    def _say(self, status: int, content: bytes, kind: str = "text/plain", location: str | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        if location is not None:
            self.send_header("Location", location)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def server() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Files)
    server.asked = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def place(server: ThreadingHTTPServer) -> str:
    server.asked.clear()  # type: ignore[attr-defined]
    return f"http://127.0.0.1:{server.server_port}"


@pytest.fixture
def config(config: Config, request: pytest.FixtureRequest) -> Config:
    more = {"MEDIA_FETCH_ALLOW_NETS": "127.0.0.0/8", "MEDIA_FETCH_LINKS": getattr(request, "param", "on_failure")}
    folders = {"LOG_DIR": config.log_dir, "MEDIA_DIR": config.media_dir, "DATABASE_URL": config.database_url}
    return load_config(SETTINGS | folders | more)


@pytest.fixture(autouse=True)
def clock_of_files(gateway: Gateway, now: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway.sends_awaiting_media, "_now", now)
    monkeypatch.setattr(gateway.retry_failed_links, "_now", now)


def fetched(url: str, limit: int = 10**6, allowed: Any = LOOPBACK) -> bytes:
    with LinkClient(user_agent="tests", allowed=allowed).fetch(url, limit) as found:
        return b"".join(found.pieces)


def test_a_file_is_fetched_also_over_a_redirect(place: str) -> None:
    assert fetched(f"{place}/photo.jpg") == JPEG
    assert fetched(f"{place}/moved") == JPEG


@pytest.mark.parametrize(
    ("path", "said", "is_final"),
    [
        ("/404", "answers 404", True),
        ("/503", "answers 503", False),
        ("/429", "answers 429", False),
        ("/round", "more than 3 times", True),
        ("/inside", "never called", True),
        ("/endless", "larger than 0 MB", True),
    ],
)
def test_what_cannot_be_fetched_is_said_without_the_url(place: str, path: str, said: str, is_final: bool) -> None:
    with pytest.raises(CannotFetch, match=said) as raised:
        fetched(f"{place}{path}", limit=200_000)

    assert raised.value.is_final is is_final
    assert "127.0.0.1" not in str(raised.value).replace("127.0.0.1/32", "")


@pytest.mark.parametrize(
    "url",
    ["http://localhost/a", "http://127.0.0.1/a", "http://[::1]/a", "http://10.0.0.1/a", "http://2130706433/a",
     "http://169.254.169.254/latest", "http://user:word@example.com/a", "file:///etc/passwd", "http://0.0.0.0/a",
     "http://[::ffff:127.0.0.1]/a", "ftp://example.com/a"],
)  # fmt: skip
def test_nothing_is_fetched_from_inside(url: str) -> None:
    with pytest.raises(CannotFetch):
        fetched(url, allowed=())


def test_a_link_that_meta_could_not_fetch_is_fetched_and_sent_again_once(
    post: Post, work: Callable[..., None], prepare: Callable[[], None], taking: Uploaded,
    graph: responses.RequestsMock, gateway: Gateway, database: Database, post_webhook: PostWebhook,
    process_all: Callable[[], None], now: Clock, place: str,
) -> None:  # fmt: skip
    accept_all(graph)
    link = f"{place}/photo.jpg"
    body = {"to": f"+{ANA}", "type": "image", "image": {"link": link, "caption": "look"}, "mode": "queued"}
    message_id = str(post("/send/whatsapp", body).get_json()["id"])
    work()
    fail(post_webhook, process_all, database, message_id)

    assert gateway.retry_failed_links()
    prepare()
    work()

    assert status_of(database, message_id) == "accepted"
    assert [file["content"] for file in taking] == [JPEG]
    assert [body["image"] for body in sent_contents(graph)] == [
        {"link": link, "caption": "look"}, {"id": taking[0]["id"], "caption": "look"}
    ]  # fmt: skip
    fail(post_webhook, process_all, database, message_id)
    assert not gateway.retry_failed_links()
    assert status_of(database, message_id) == "failed"


def test_a_link_that_nobody_can_fetch_fails_with_both_reasons_known(
    post: Post, work: Callable[..., None], prepare: Callable[[], None], graph: responses.RequestsMock,
    gateway: Gateway, database: Database, post_webhook: PostWebhook, process_all: Callable[[], None], place: str,
) -> None:  # fmt: skip
    accept_all(graph)
    body = {"to": f"+{ANA}", "type": "image", "image": {"link": f"{place}/404"}, "mode": "queued"}
    message_id = str(post("/send/whatsapp", body).get_json()["id"])
    work()
    fail(post_webhook, process_all, database, message_id)

    assert gateway.retry_failed_links()
    prepare()

    with database.read() as session:
        message = session.get(Message, message_id)
        assert message is not None and message.error is not None
        assert message.error["title"] == "The file behind the link cannot be fetched: its server answers 404."
        assert message.flags == ["link_fetched"]
    assert told(database, message_id)[-2:] == ["queued", "failed"]
    assert not gateway.retry_failed_links()


@pytest.mark.parametrize("config", ["always"], indirect=True)
def test_with_always_meta_gets_no_link_and_many_sends_fetch_it_once(
    post: Post, work: Callable[..., None], prepare: Callable[[], None], taking: Uploaded,
    graph: responses.RequestsMock, server: ThreadingHTTPServer, place: str,
) -> None:  # fmt: skip
    accept_all(graph)
    image = {"link": f"{place}/photo.jpg"}

    for _ in range(5):
        post("/send/whatsapp", {"to": f"+{ANA}", "type": "image", "image": image, "mode": "queued"})
    prepare()
    work()

    assert [body["image"] for body in sent_contents(graph)] == [{"id": taking[0]["id"]}] * 5
    assert len(taking) == 1
    assert server.asked == ["/photo.jpg"]  # type: ignore[attr-defined]


@pytest.mark.parametrize("config", ["off"], indirect=True)
def test_with_off_links_are_metas_business(
    post: Post, work: Callable[..., None], graph: responses.RequestsMock, place: str, server: ThreadingHTTPServer,
    client: FlaskClient,
) -> None:  # fmt: skip
    accept_all(graph)

    post("/send/whatsapp", {"to": f"+{ANA}", "type": "image", "image": {"link": f"{place}/photo.jpg"}})

    assert [body["image"] for body in sent_contents(graph)] == [{"link": f"{place}/photo.jpg"}]
    assert server.asked == []  # type: ignore[attr-defined]


def fail(
    post_webhook: PostWebhook, process_all: Callable[[], None], database: Database, message_id: str
) -> None:
    """Meta reports that the last attempt failed."""
    with database.read() as session:
        message = session.get(Message, message_id)
        assert message is not None and message.wamid is not None
        wamid = message.wamid
    assert post_webhook(status_body(status(wamid, "failed", timestamp=SENT_AT, errors=[FAILED]))).status_code == 200
    process_all()
