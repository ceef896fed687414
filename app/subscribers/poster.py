"""Posts many events at once with a single thread: an event loop, and a parser of responses in C.

With a thread for each request, most of the time goes into threads that wait for the interpreter's lock. It keeps the
rules of `SubscriberClient`: connections to checked addresses only, one deadline for the whole exchange, a bounded
response, and a request is repeated at once only if its connection was closed while it was idle.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, lru_cache, partial
from typing import Any

import certifi
from urllib3.exceptions import HTTPError
from urllib3.util import parse_url

from app.graph.transport import CONNECT_SECONDS
from app.security.endpoint_urls import AllowedNetwork, WrongUrl, check_url
from app.subscribers.client import DEADLINE_SECONDS, EndpointResponse, reason_of, was_reached
from app.subscribers.connecting import NotConnected, NoThread, connect
from app.subscribers.post_connection import Done, Exchange, PostConnection, Site

MAX_CONNECTING = 256
"""Connections that are being made at once, each in a thread, because names are resolved by the C library."""


class Poster:
    """Posts to endpoints. Thread-safe; its thread starts with the first request. Keeps connections open for reuse.

    It must not be used in a process that gevent has patched.
    """

    def __init__(
        self,
        *,
        user_agent: str,
        allowed: Sequence[AllowedNetwork],
        pool_size: int,
        deadline_seconds: float = DEADLINE_SECONDS,
    ) -> None:
        """`pool_size` is how many idle connections to one host are kept."""
        usual = {"User-Agent": user_agent, "Content-Type": "application/json", "Accept-Encoding": "identity"}
        self._usual = _head_lines(usual)
        self._allowed = allowed
        self._parts = lru_cache(maxsize=1024)(partial(_parts, allowed))
        self._pool_size = pool_size
        self._deadline_seconds = deadline_seconds
        self._idle: dict[Site, list[PostConnection]] = {}
        self._open: set[PostConnection] = set()
        self._asked: deque[Callable[[], None]] = deque()
        self._is_woken = False
        self._mutex = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._made: dict[Exchange, socket.socket] = {}
        self._connecting = ThreadPoolExecutor(MAX_CONNECTING, thread_name_prefix="connect")

    def submit(self, url: str, headers: Mapping[str, str], body: bytes, done: Done) -> None:
        """Post a body. `done` gets the response in the poster's thread; it must not block, and must not raise.

        Nothing that the endpoint does raises. Without a usable response, `EndpointResponse.error` says why. Raises
        `ValueError` for a header that would end its line, and `RuntimeError` if the poster's thread cannot start; then
        nothing was asked for, and the next call tries to start it again.
        """
        asked = partial(self._begin, url, _head_lines(headers), body, done)
        with self._mutex:
            if self._loop is None:
                self._loop, self._thread = _started_loop()
            self._asked.append(asked)
            if not self._is_woken:
                self._is_woken = True
                self._loop.call_soon_threadsafe(self._work)

    def close(self) -> None:
        """Close every connection and end the thread. Requests that are running get no response."""
        with self._mutex:
            loop, thread, self._loop = self._loop, self._thread, None
        self._connecting.shutdown(wait=False, cancel_futures=True)
        if loop is not None and thread is not None:
            asyncio.run_coroutine_threadsafe(self._stop(loop), loop)
            thread.join()
            loop.close()
        for sock in self._made.values():
            sock.close()

    async def _stop(self, loop: asyncio.AbstractEventLoop) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        for connection in list(self._open):
            connection.abort()
        loop.call_soon(loop.stop)  # after the transports have closed their sockets

    def _work(self) -> None:
        """Begin what was asked for so far. What is asked for meanwhile is begun in the next round of the loop."""
        with self._mutex:
            self._is_woken = False
        for _ in range(len(self._asked)):
            self._asked.popleft()()

    def _begin(self, url: str, lines: str, body: bytes, done: Done) -> None:
        started = time.monotonic()
        try:
            site, target = self._parts(url)
            head = f"POST {target} HTTP/1.1\r\nHost: {site.host_header}\r\n{self._usual}{lines}"
            request = f"{head}Content-Length: {len(body)}\r\n\r\n".encode("latin-1") + body
        except (WrongUrl, HTTPError, ValueError) as error:
            done(EndpointResponse(None, b"", reason_of(error), 0.0, was_reached=False))
            return
        exchange = Exchange(site, request, done, started)
        assert self._loop is not None
        exchange.timer = self._loop.call_later(self._deadline_seconds, self._expire, exchange)
        self._start(exchange)

    def _start(self, exchange: Exchange) -> None:
        """Send the request over an idle connection, or over a new one. Without a thread that makes one it fails."""
        idle = self._idle.get(exchange.site)
        while idle and not exchange.was_repeated:
            connection = idle.pop()
            if connection.can_be_reused:
                connection.send(exchange)
                return
            connection.abort()
        assert self._loop is not None
        try:
            made = self._loop.run_in_executor(self._connecting, self._make, exchange)
        except Exception:
            self._fail(exchange, NoThread())  # posts that wait behind this one must go on
            self._discard(exchange)  # only now: what `_make` finds done it closes itself
            return
        exchange.task = self._loop.create_task(self._connect(exchange, made))

    def _make(self, exchange: Exchange) -> socket.socket:
        """Make a checked connection, in a thread of its own. Raises `OSError`.

        An exchange that is done takes none: the executor queues a call also when it has no thread for it and raises.
        """
        if exchange.is_done:
            raise ConnectionAbortedError
        sock = connect(exchange.site.host, exchange.site.port, self._allowed, CONNECT_SECONDS)
        with self._mutex:
            if self._loop is not None and not exchange.is_done:
                self._made[exchange] = sock
                return sock
        sock.close()
        raise ConnectionAbortedError

    def _take(self, exchange: Exchange) -> socket.socket | None:
        """Return the connection that `_make` made: from now on whoever asked for it closes it."""
        with self._mutex:
            return self._made.pop(exchange, None)

    def _discard(self, exchange: Exchange) -> None:
        sock = self._take(exchange)
        if sock is not None:
            sock.close()

    def _drop(self, exchange: Exchange, made: asyncio.Future[socket.socket]) -> None:
        if not made.cancelled():
            made.exception()  # it is known, so the event loop does not log it
        self._discard(exchange)

    async def _connect(self, exchange: Exchange, made: asyncio.Future[socket.socket]) -> None:
        """Wait for a checked connection, begin TLS if the site wants it, and send the request."""
        loop = asyncio.get_running_loop()
        try:
            sock = await asyncio.shield(made)
        except asyncio.CancelledError:
            made.add_done_callback(partial(self._drop, exchange))  # nobody waits for it any more
            raise
        except Exception as error:
            self._fail(exchange, error)
            return
        self._take(exchange)
        sock.setblocking(False)
        try:
            secure: dict[str, Any] = {} if not exchange.site.is_secure else {
                "ssl": self._tls, "server_hostname": exchange.site.tls_name, "ssl_handshake_timeout": CONNECT_SECONDS,
            }  # fmt: skip
            _, connection = await loop.create_connection(partial(PostConnection, self), sock=sock, **secure)
        except Exception as error:
            sock.close()
            self._fail(exchange, error)
            return
        except asyncio.CancelledError:
            sock.close()
            raise
        connection.send(exchange)

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        """Certificates are verified with the machine's authorities and those of certifi."""
        context = ssl.create_default_context()
        context.load_verify_locations(certifi.where())
        context.set_alpn_protocols(["http/1.1"])
        return context

    def _expire(self, exchange: Exchange) -> None:
        connection = exchange.connection
        if connection is not None:
            connection.fail(TimeoutError())
        error = NotConnected() if connection is None else TimeoutError()
        error.__cause__ = TimeoutError() if connection is None else None
        self._fail(exchange, error)  # also if a bug let the connection forget it: every exchange ends

    def _fail(self, exchange: Exchange, error: BaseException, status: int | None = None) -> None:
        reached = status is not None or was_reached(error)
        seconds = time.monotonic() - exchange.started
        self._finish(exchange, EndpointResponse(status, b"", reason_of(error), seconds, was_reached=reached))

    def _finish(self, exchange: Exchange, response: EndpointResponse) -> None:
        if exchange.is_done:
            return
        exchange.is_done = True
        if exchange.timer is not None:
            exchange.timer.cancel()
        if exchange.task is not None and not exchange.task.done():
            exchange.task.cancel()
        exchange.done(response)

    # What a connection tells:

    def opened(self, connection: PostConnection) -> None:
        """A connection is open."""
        self._open.add(connection)

    def closed(self, connection: PostConnection) -> None:
        """A connection is closed."""
        self._open.discard(connection)
        for site, idle in list(self._idle.items()):
            if connection in idle:
                idle.remove(connection)
                if not idle:
                    del self._idle[site]

    def answered(
        self, connection: PostConnection, exchange: Exchange, response: EndpointResponse, *, keep: bool
    ) -> None:
        """A connection has a whole response, and may be used again if `keep`."""
        idle = self._idle.setdefault(exchange.site, [])
        if keep and len(idle) < self._pool_size:
            idle.append(connection)
        else:
            connection.abort()
        self._finish(exchange, response)

    def failed(self, exchange: Exchange, error: BaseException, status: int | None, *, was_idle: bool) -> None:
        """A connection ended without a whole response; if it was closed while idle, the request is sent once more."""
        if was_idle and not exchange.was_repeated and not exchange.is_done:
            exchange.was_repeated, exchange.connection = True, None
            self._start(exchange)
        else:
            self._fail(exchange, error, status)


def _started_loop() -> tuple[asyncio.AbstractEventLoop, threading.Thread]:
    """Return an event loop and the thread in which it runs. Raises `RuntimeError` if no thread can be started."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="post", daemon=True)
    try:
        thread.start()
    except BaseException:
        loop.close()
        raise
    return loop, thread


def _parts(allowed: Sequence[AllowedNetwork], url: str) -> tuple[Site, str]:
    """Return where a URL's connection goes, and the target of its requests. Raises `WrongUrl` and urllib3's errors.

    Names are not resolved here: that happens, with a check of every address, whenever a connection is made.
    """
    check_url(url, allowed)
    parsed = parse_url(url)
    is_secure = parsed.scheme == "https"
    host = (parsed.host or "").strip("[]")
    usual = 443 if is_secure else 80
    shown = parsed.host or ""
    header = shown if parsed.port in (None, usual) else f"{shown}:{parsed.port}"
    return Site(is_secure, host, parsed.port or usual, header), parsed.request_uri


def _head_lines(headers: Mapping[str, str]) -> str:
    """Return header lines. Raises `ValueError` for a value that would end its line."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    if lines.count("\n") != len(headers) or lines.count("\r") != len(headers):
        raise ValueError("a header holds the end of a line")
    return lines
