"""Many posts at once with one thread: what reaches the app, what comes back, and which connections are used again."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trustme

from app.subscribers import post_connection
from app.subscribers.client import EndpointResponse
from app.subscribers.connecting import connect as connect_really
from app.subscribers.poster import Poster
from tests.subscriber import ALLOWED, Handler, Posted, answering, subscriber
from tests.subscribers.test_hostile_urls import posted

NO_THREAD = "the gateway could not start a thread to connect"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
Serve = Callable[[socket.socket], None]


@pytest.fixture
def new_poster() -> Iterator[Callable[..., Poster]]:
    made: list[Poster] = []

    def new(**options: Any) -> Poster:
        usual = {"user_agent": "tests", "allowed": (ipaddress.ip_network(ALLOWED),), "pool_size": 8}
        made.append(Poster(**(usual | options)))
        return made[-1]

    yield new
    for poster in made:
        poster.close()


@contextmanager
def raw_server(serve: Serve) -> Iterator[str]:
    """A server that gives each connection, of which it has read nothing, to `serve` in a thread."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def accept() -> None:
            with suppress(OSError):
                while True:
                    threading.Thread(target=handle, args=(listening.accept()[0],), daemon=True).start()

        def handle(connection: socket.socket) -> None:
            with suppress(OSError), connection:
                serve(connection)

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/events"


def read_request(connection: socket.socket) -> bytes:
    """Read one request of the tests, whose body is `{}`; empty when the client has hung up."""
    read = b""
    while not read.endswith(b"\r\n\r\n{}"):
        part = connection.recv(65536)
        if not part:
            return b""
        read += part
    return read


def always(answer: bytes) -> Serve:
    def serve(connection: socket.socket) -> None:
        while read_request(connection):
            connection.sendall(answer)

    return serve


def once(answer: bytes) -> Serve:
    def serve(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(answer)
        connection.shutdown(socket.SHUT_WR)
        connection.recv(1)

    return serve


def test_the_request_is_what_the_other_client_sends(new_poster: Callable[..., Poster]) -> None:
    with subscriber() as app:
        came = threading.Event()
        new_poster().submit(f"{app.url}?a=b%20c", {"webhook-id": "x"}, b'{"a":1}', lambda _: came.set())
        assert came.wait(20)
    [got] = app.posted
    assert got.body == b'{"a":1}'
    assert got.headers["host"] == app.url.split("/")[2]
    assert (got.headers["webhook-id"], got.headers["user-agent"]) == ("x", "tests")
    assert (got.headers["content-type"], got.headers["accept-encoding"]) == ("application/json", "identity")


def test_a_header_cannot_begin_another(new_poster: Callable[..., Poster]) -> None:
    poster = new_poster()
    with pytest.raises(ValueError, match="end of a line"):
        poster.submit("http://127.0.0.1/", {"a": "b\r\nc: d"}, b"", lambda _: None)


WHOLE = {
    "a length": (OK, 200, b"{}"),
    "chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n", 200, b"{}"),
    "nothing": (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
    "an interim answer first": (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, 200, b"{}"),
    "lines that end with a line feed": (OK.replace(b"\r\n", b"\n"), 200, b"{}"),
    "a status nobody knows": (OK.replace(b"200 OK", b"299 Fine"), 299, b"{}"),
}


@pytest.mark.parametrize("how", WHOLE)
def test_a_whole_answer_is_one_and_its_connection_is_used_again(new_poster: Callable[..., Poster], how: str) -> None:
    answer, status, body = WHOLE[how]
    connections: list[int] = []

    def serve(connection: socket.socket) -> None:
        connections.append(1)
        always(answer)(connection)

    poster = new_poster()
    with raw_server(serve) as url:
        for _ in range(3):
            got = posted(poster, url)
            assert (got.status, got.body, got.error, got.was_reached) == (status, body, None, True)
    assert len(connections) == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 204 No Content\r\n\r\nok",
        b"HTTP/1.1 204 No Content\r\n\r\nHTTP/1",
        b"HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 101 Up\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
    ],
    ids=["no HTTP", "the beginning of an answer", "another answer", "an upgrade"],
)
def test_what_stands_behind_an_answer_does_not_break_the_next_one(
    new_poster: Callable[..., Poster], answer: bytes
) -> None:
    """The app took the event and said so: a failure would bring it the event a second time."""
    poster = new_poster()
    with raw_server(always(answer)) as url:
        got = [posted(poster, url) for _ in range(3)]
    assert [(each.status, each.error) for each in got] == [(204, None)] * 3


def test_a_length_that_is_too_small_does_not_break_the_next_answer(new_poster: Callable[..., Poster]) -> None:
    poster = new_poster()
    with raw_server(always(OK.replace(b"Length: 2", b"Length: 1"))) as url:
        got = [posted(poster, url) for _ in range(3)]
    assert [(each.status, each.body, each.error) for each in got] == [(200, b"{", None)] * 3


def test_an_answer_may_end_with_its_connection(new_poster: Callable[..., Poster]) -> None:
    with raw_server(once(b"HTTP/1.0 200 OK\r\n\r\n{}")) as url:
        got = posted(new_poster(), url)
    assert (got.status, got.body, got.error) == (200, b"{}", None)


BROKEN = {
    "no answer": (b"", None, "the connection broke"),
    "no HTTP": (b"\x00\xffnonsense\r\n\r\n", None, "the answer is not HTTP, or broke off"),
    "half a head": (b"HTTP/1.1 200 O", None, "the answer is not HTTP, or broke off"),
    "half a body": (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{", 200, "the answer broke off"),
    "half a chunk": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nx", 200, "the answer broke off"),
    "an endless head": (b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 20_000, None, "the answer is not HTTP, or broke off"),
}  # fmt: skip


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_answer_says_how(new_poster: Callable[..., Poster], how: str) -> None:
    answer, status, error = BROKEN[how]
    with raw_server(once(answer)) as url:
        got = posted(new_poster(), url)
    assert (got.status, got.error, got.is_success) == (status, error, False)


@pytest.mark.parametrize(
    ("sent", "status"), [(b"", None), (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", 200)], ids=["head", "body"]
)
def test_the_deadline_is_that_of_the_whole_exchange(
    new_poster: Callable[..., Poster], sent: bytes, status: int | None
) -> None:
    def drip(connection: socket.socket) -> None:
        connection.sendall(sent)
        while connection.recv(65536):
            pass

    with raw_server(drip) as url:
        got = posted(new_poster(deadline_seconds=0.3), url)
    assert (got.status, got.error, got.was_reached) == (status, "no whole answer in time", True)


def test_nobody_listens(new_poster: Callable[..., Poster]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        url = f"http://127.0.0.1:{gone.getsockname()[1]}/"
    got = posted(new_poster(), url)
    assert (got.error, got.was_reached) == ("nobody listens there", False)


def test_an_idle_connection_that_was_closed_costs_no_delivery(new_poster: Callable[..., Poster]) -> None:
    """The server answers, and hangs up when the next request is on its way."""
    requests: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        requests.append(read_request(connection))
        connection.sendall(OK)
        if not connection.recv(1):
            return
        # Part of the second request was read: closing now resets the connection.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")

    poster = new_poster()
    with raw_server(serve) as url:
        assert [posted(poster, url).status for _ in range(4)] == [200] * 4
    assert len(requests) >= 4


def test_an_app_that_hangs_up_on_every_request_is_asked_once(new_poster: Callable[..., Poster]) -> None:
    requests: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        requests.append(read_request(connection))

    with raw_server(serve) as url:
        assert posted(new_poster(), url).error == "the connection broke"
    assert len(requests) == 1


def test_a_retry_after_is_kept(new_poster: Callable[..., Poster]) -> None:
    with subscriber(answering(429, **{"Retry-After": "7"})) as app:
        assert posted(new_poster(), app.url).retry_after == 7


@pytest.mark.parametrize("year", ["99999999999999", "9" * 400])
def test_a_retry_after_that_is_no_time_does_not_keep_a_delivery_forever(
    new_poster: Callable[..., Poster], year: str
) -> None:
    with subscriber(answering(429, **{"Retry-After": f"Mon, 01 Jan {year} 00:00:00 GMT"})) as app:
        got = posted(new_poster(deadline_seconds=5.0), app.url)
    assert (got.status, got.retry_after) == (429, None)


def test_every_post_ends_even_if_reading_its_answer_breaks(
    new_poster: Callable[..., Poster], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: str) -> None:
        raise OverflowError

    monkeypatch.setattr(post_connection, "retry_after", broken)
    with subscriber(answering(200)) as app:
        got = posted(new_poster(deadline_seconds=5.0), app.url)
    assert got.error == "the answer is not HTTP, or broke off"


@pytest.mark.parametrize("host", ["a" * 64 + ".example", "a..example"])
def test_a_name_that_cannot_be_one_is_not_waited_for(new_poster: Callable[..., Poster], host: str) -> None:
    got = posted(new_poster(), f"http://{host}/")
    assert (got.error, got.was_reached) == ("the name cannot be resolved", False)


def test_hundreds_wait_at_once(new_poster: Callable[..., Poster]) -> None:
    together = threading.Barrier(200, timeout=30)

    def wait_for_all(handler: Handler, _: Posted) -> None:
        together.wait()
        handler.answer()

    responses: list[EndpointResponse] = []
    came = threading.Semaphore(0)

    def done(response: EndpointResponse) -> None:
        responses.append(response)
        came.release()

    poster = new_poster()
    with subscriber(wait_for_all) as app:
        for _ in range(200):
            poster.submit(app.url, {}, b"{}", done)
        assert all(came.acquire(timeout=30) for _ in range(200))
    assert {response.status for response in responses} == {200}


@pytest.mark.parametrize("is_trusted", [True, False])
def test_a_certificate_is_checked(
    new_poster: Callable[..., Poster], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_trusted: bool
) -> None:
    authority = trustme.CA()
    trusted = authority if is_trusted else trustme.CA()
    trusted.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setattr("app.subscribers.poster.certifi.where", lambda: str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)

    def serve(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secured:
            always(OK)(secured)

    with raw_server(serve) as url:
        got = posted(new_poster(), url.replace("http://127.0.0.1", "https://localhost"))
    expected = (200, None, True) if is_trusted else (None, "the certificate is not valid for this name", False)
    assert (got.status, got.error, got.was_reached) == expected


def _without_a_thread(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Let the next start of a thread fail whose name begins like this, as when the machine has too many."""
    real, failures = threading.Thread.start, [RuntimeError("can't start new thread")]

    def start(thread: threading.Thread) -> None:
        if thread.name.startswith(name) and failures:
            raise failures.pop()
        real(thread)

    monkeypatch.setattr(threading.Thread, "start", start)


def test_a_post_for_which_there_is_no_thread_fails_and_those_behind_it_go_on(
    new_poster: Callable[..., Poster], monkeypatch: pytest.MonkeyPatch
) -> None:
    _without_a_thread(monkeypatch, "connect")
    responses: dict[str, EndpointResponse] = {}
    came = threading.Semaphore(0)
    go = threading.Event()
    connections: list[int] = []

    def serve(connection: socket.socket) -> None:
        connections.append(1)
        always(OK)(connection)

    def done(name: str, response: EndpointResponse) -> None:
        responses[name] = response
        came.release()

    poster = new_poster()
    with raw_server(serve) as url:
        poster.submit("no-url", {}, b"{}", lambda _: go.wait(20) and None)  # so that one round begins those after it
        for name in ("first", "second"):
            poster.submit(url, {}, b"{}", partial(done, name))
        go.set()
        assert all([came.acquire(timeout=5) for _ in range(2)])
    first, second = responses["first"], responses["second"]
    assert (first.status, first.error, first.was_reached) == (None, NO_THREAD, False)
    assert (second.status, second.error) == (200, None)
    assert len(connections) == 1, "the post that failed leaves no connection to the app"


@pytest.mark.parametrize("is_made_before", [True, False])
def test_a_connection_that_was_made_for_a_post_that_failed_is_closed(
    new_poster: Callable[..., Poster], monkeypatch: pytest.MonkeyPatch, is_made_before: bool
) -> None:
    """Another thread may take up what the executor had queued before it raised."""
    new, begun, go, hung_up = new_poster(), threading.Event(), threading.Event(), threading.Event()
    submit_really = new._connecting.submit

    def submit(*call: Any) -> Any:
        made = submit_really(*call)
        assert begun.wait(20)
        if is_made_before:
            go.set()
            made.result(20)
        raise RuntimeError("can't start new thread")

    def connect(*place: Any) -> socket.socket:
        begun.set()
        go.wait(20)
        return connect_really(*place)

    def serve(connection: socket.socket) -> None:
        if not connection.recv(1):
            hung_up.set()

    monkeypatch.setattr(new._connecting, "submit", submit)
    monkeypatch.setattr("app.subscribers.poster.connect", connect)
    with raw_server(serve) as url:
        assert posted(new, url).error == NO_THREAD
        go.set()
        assert hung_up.wait(5)


def test_a_poster_without_a_thread_says_so_and_starts_it_the_next_time(
    new_poster: Callable[..., Poster], monkeypatch: pytest.MonkeyPatch
) -> None:
    _without_a_thread(monkeypatch, "post")
    poster = new_poster()
    with raw_server(always(OK)) as url:
        with pytest.raises(RuntimeError, match="can't start new thread"):
            poster.submit(url, {}, b"{}", lambda _: pytest.fail("whoever asked was told that it failed"))
        assert posted(poster, url).status == 200


def test_closing_ends_what_runs(new_poster: Callable[..., Poster]) -> None:
    with raw_server(lambda connection: time.sleep(0) or connection.recv(10_000_000) and connection.recv(1)) as url:
        poster = new_poster()
        poster.submit(url, {}, b"{}", lambda _: None)
        poster.close()
        poster.close()
