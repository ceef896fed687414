"""How bodies are read: bounded in time, number and bytes, and never before a stranger has shown a signature."""

from __future__ import annotations

import io
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import EnvironBuilder, TestResponse, run_wsgi_app

from app.security.meta_signatures import sign_meta
from app.web import bodies, body_limits
from app.web.body_limits import Full, UnfinishedBodies
from app.web.unread_bodies import DropUnread
from tests.conftest import APP_SECRET, on_sqlite
from tests.factories import message_body, text, to_bytes

RAW = to_bytes(message_body(text()))
SIGNED = sign_meta(APP_SECRET, RAW)
FALSE = "sha256=" + "0" * 64


class NeverRead(io.RawIOBase):
    """A body that must not be looked at."""

    def readable(self) -> bool:
        return True

    def readinto(self, _buffer: Any) -> int:
        raise AssertionError("it was read")


@on_sqlite
@pytest.mark.parametrize("signature", ["", "sha256=", "sha256=" + "g" * 64, "sha1=" + "0" * 64, "sha256=" + "0" * 63])
def test_a_body_without_what_could_be_a_signature_is_refused_unread(client: FlaskClient, signature: str) -> None:
    assert _post(client, NeverRead(), signature, CONTENT_LENGTH="0").status_code == 401


@on_sqlite
def test_a_length_over_the_limit_is_refused_and_what_comes_is_dropped(client: FlaskClient) -> None:
    sent = io.BytesIO(b"x" * 5_000_000)

    answer = _post(client, sent, FALSE, CONTENT_LENGTH="5000000")
    answer.close()

    assert (answer.status_code, sent.tell()) == (413, 5_000_000)


@on_sqlite
def test_a_body_that_ends_early_is_not_taken_for_a_whole_one(client: FlaskClient) -> None:
    answer = _post(client, io.BytesIO(RAW), SIGNED, CONTENT_LENGTH=str(len(RAW) + 1))

    assert (answer.status_code, answer.json["error"]["message"]) == (400, "The body ended before its Content-Length.")


@on_sqlite
def test_a_chunked_body_under_a_server_that_does_not_end_it_is_refused_with_the_reason(client: FlaskClient) -> None:
    answer = _post(client, io.BytesIO(RAW), SIGNED, is_ended=False, HTTP_TRANSFER_ENCODING="chunked")

    assert (answer.status_code, answer.json["error"]["code"]) == (411, "length_required")


@on_sqlite
def test_a_chunked_body_that_a_proxy_decoded_is_read_by_its_length(client: FlaskClient) -> None:
    answer = _post(
        client,
        io.BytesIO(RAW),
        SIGNED,
        is_ended=False,
        HTTP_TRANSFER_ENCODING="chunked",
        CONTENT_LENGTH=str(len(RAW)),
    )

    assert answer.status_code == 200


@on_sqlite
def test_chunks_that_cannot_be_read_are_the_clients_mistake(client: FlaskClient) -> None:
    gunicorn_error = type("InvalidChunkSize", (Exception,), {"__module__": "gunicorn.http.errors"})

    class Broken(NeverRead):
        def readinto(self, _buffer: Any) -> int:
            raise gunicorn_error

    answer = _post(client, Broken(), FALSE, HTTP_TRANSFER_ENCODING="chunked")

    assert (answer.status_code, answer.json["error"]["code"]) == (400, "malformed")


def test_a_body_that_takes_too_long_is_cut(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, _theirs = pair
    ours.settimeout(20)
    unfinished_bodies = UnfinishedBodies(seconds=0.2)

    with unfinished_bodies.track(ours) as body:
        assert ours.recv(1) == b""  # for ever, without the cut

    assert body.is_cut


def test_when_there_are_too_many_the_oldest_makes_room_and_a_young_one_does_not(
    pair: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    unfinished_bodies = UnfinishedBodies(max_bodies=1)
    with unfinished_bodies.track(pair[0]) as first:
        with pytest.raises(Full), unfinished_bodies.track(None):
            pass
        assert not first.is_cut

        monkeypatch.setattr(body_limits, "MIN_SECONDS", 0.0)
        with unfinished_bodies.track(None) as second:
            assert first.is_cut and not second.is_cut


def test_bytes_are_counted_while_they_are_in_hand_and_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_limits, "MIN_SECONDS", 0.0)
    unfinished_bodies = UnfinishedBodies(max_bytes=100)
    for _ in range(3):
        with unfinished_bodies.track(None) as body:
            unfinished_bodies.add_bytes(body, 90)
    with unfinished_bodies.track(None) as first, unfinished_bodies.track(None) as second:
        unfinished_bodies.add_bytes(first, 60)
        unfinished_bodies.add_bytes(second, 60)
        assert first.is_cut and not second.is_cut
        with pytest.raises(Full):
            unfinished_bodies.add_bytes(second, 60)
    assert unfinished_bodies._bytes == 0


@on_sqlite
def test_a_webhook_that_finds_no_room_is_told_to_come_again(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "unfinished_bodies", UnfinishedBodies(max_bodies=0))

    answer = _post(client, io.BytesIO(RAW), SIGNED, CONTENT_LENGTH=str(len(RAW)))

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")


def test_what_is_left_of_a_refused_body_is_dropped_after_the_answer(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    sent = io.BytesIO(b"x" * 1_000_000)
    seen: list[int] = []

    def refuse(environ: dict[str, Any], start: Any) -> list[bytes]:
        start("413 Too Large", [("Content-Length", "2")])
        seen.append(sent.tell())
        return [b"no"]

    environ = EnvironBuilder(method="POST").get_environ()
    environ |= {"CONTENT_LENGTH": "1000000", "gunicorn.socket": pair[0], "wsgi.input": sent}
    _, status, _ = run_wsgi_app(DropUnread(refuse), environ, buffered=True)

    assert status == "413 Too Large"
    assert seen == [0] and sent.tell() == 1_000_000


def test_a_refused_body_that_never_ends_is_not_waited_for(
    pair: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = pair
    monkeypatch.setattr("app.web.unread_bodies.STEP_SECONDS", 0.1)
    environ = EnvironBuilder(method="POST").get_environ()
    environ |= {"CONTENT_LENGTH": "1000", "gunicorn.socket": ours, "wsgi.input": ours.makefile("rb", buffering=0)}
    began = time.monotonic()

    run_wsgi_app(DropUnread(lambda environ, start: (start("401 No", []), [b""])[1]), environ, buffered=True)

    assert time.monotonic() - began < 20
    ours.settimeout(10)
    assert ours.recv(1) == b""  # nobody will wait for more
    theirs.close()


def _post(
    client: FlaskClient, stream: io.IOBase, signature: str, *, is_ended: bool = True, **environ: str
) -> TestResponse:
    given: dict[str, Any] = {"wsgi.input": stream, "HTTP_X_HUB_SIGNATURE_256": signature, **environ}
    if is_ended:
        given["wsgi.input_terminated"] = True
    return client.post("/webhook/whatsapp", environ_overrides=given)


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    listener = socket.create_server(("127.0.0.1", 0))
    theirs = socket.create_connection(listener.getsockname())
    ours, _ = listener.accept()
    yield ours, theirs
    for each in (ours, theirs, listener):
        each.close()
