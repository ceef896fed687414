"""One connection to one of the user's apps, as an asyncio protocol: a request, and its response, at a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import RemoteDisconnected
from typing import Protocol

import httptools
from urllib3.exceptions import IncompleteRead, ProtocolError

from app.graph.transport import IDLE_SECONDS
from app.subscribers.client import ANSWER_BYTES, EndpointResponse, retry_after

HEAD_BYTES = 64 * 1024
"""How long the head of a response may be."""

Done = Callable[[EndpointResponse], None]


class Keeper(Protocol):
    """Who keeps connections, and is told what becomes of them. Every call comes in the thread of the event loop."""

    def opened(self, connection: PostConnection) -> None:
        """A connection is open."""

    def closed(self, connection: PostConnection) -> None:
        """A connection is closed."""

    def answered(
        self, connection: PostConnection, exchange: Exchange, response: EndpointResponse, *, keep: bool
    ) -> None:
        """A connection has a whole response, and may be used again if `keep`."""

    def failed(self, exchange: Exchange, error: BaseException, status: int | None, *, was_idle: bool) -> None:
        """A connection ended without a whole response. `was_idle`: the server closed it before the request came."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where a connection goes."""

    is_secure: bool
    host: str
    port: int
    host_header: str

    @property
    def tls_name(self) -> str:
        """The name that the certificate must have."""
        return self.host.rstrip(".")


@dataclass(eq=False, slots=True)
class Exchange:
    """One request and what becomes of it. `was_repeated`: its first connection had been closed while it was idle."""

    site: Site
    request: bytes
    done: Done
    started: float
    timer: asyncio.TimerHandle | None = None
    task: asyncio.Task[None] | None = None
    connection: PostConnection | None = field(default=None, repr=False)
    was_repeated: bool = False
    is_done: bool = False


class PostConnection(asyncio.Protocol):
    """One connection: at most one exchange at a time. The methods below `connection_lost` are called by the parser."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self._transport: asyncio.Transport | None = None
        self._exchange: Exchange | None = None
        self._is_lost = False
        self._has_answered = False
        self._idle_since = 0.0
        self._parser = httptools.HttpResponseParser(self)
        # As http.client does: an old app may end its lines with a line feed alone.
        self._parser.set_dangerous_leniencies(lenient_optional_cr_before_lf=True, lenient_optional_lf_after_cr=True)
        self._begin_response()

    @property
    def can_be_reused(self) -> bool:
        """Whether it is open, and has not been idle for so long that a proxy may have dropped it silently."""
        is_open = self._transport is not None and not self._is_lost and not self._transport.is_closing()
        return is_open and time.monotonic() - self._idle_since < IDLE_SECONDS

    def send(self, exchange: Exchange) -> None:
        """Send a request. Its response, or its failure, goes to the poster."""
        assert self._transport is not None
        exchange.connection, self._exchange = self, exchange
        self._begin_response()
        if self._is_lost or self._transport.is_closing():
            # The app hung up between the handshake and now: what is written to a lost transport is dropped in silence.
            self.fail(RemoteDisconnected("closed"))
            return
        self._transport.write(exchange.request)

    def abort(self) -> None:
        """Close the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    def fail(self, error: BaseException) -> None:
        """End the exchange with this error, and close the connection."""
        exchange, self._exchange = self._exchange, None
        self.abort()
        if exchange is not None:
            was_idle = self._has_answered and not self._has_begun and isinstance(error, ConnectionError)
            self._keeper.failed(exchange, error, self._status, was_idle=was_idle)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._keeper.opened(self)

    def data_received(self, data: bytes) -> None:
        if self._exchange is None:  # nobody has asked for it
            self.abort()
            return
        self._has_begun = True
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._complete(keep=False)
        except httptools.HttpParserError:
            # Also behind a whole answer: the parser keeps its error, and would find it in the next answer again.
            self.fail(ProtocolError("not HTTP"))
        else:
            if self._status is None and self._exchange is not None:
                self._head_size += len(data)
                if self._head_size > HEAD_BYTES:
                    self.fail(ProtocolError("the head is too long"))

    def connection_lost(self, error: Exception | None) -> None:
        self._is_lost = True
        self._keeper.closed(self)
        if self._exchange is None:
            return
        if self._status is not None and self._ends_with_connection and error is None:
            self._complete(keep=False)
        elif self._status is not None:
            self.fail(IncompleteRead(len(self._body), -1) if error is None else error)
        elif self._has_begun:
            self.fail(ProtocolError("broke off"))
        else:
            self.fail(error or RemoteDisconnected("closed"))

    def _begin_response(self) -> None:
        self._status: int | None = None
        self._body = b""
        self._head_size = 0
        self._retry_after = ""
        self._has_begun = False
        self._ends_with_connection = True

    def _complete(self, *, keep: bool) -> None:
        exchange = self._exchange
        if exchange is None:
            return
        self._has_answered, self._idle_since = True, time.monotonic()
        seconds = self._idle_since - exchange.started
        body = self._body[:ANSWER_BYTES]
        response = EndpointResponse(self._status, body, None, seconds, retry_after(self._retry_after))
        self._exchange = None  # only now: after an error above, `data_received` ends the exchange
        self._keeper.answered(self, exchange, response, keep=keep)

    def on_message_begin(self) -> None:
        if self._exchange is None:  # something follows a whole answer, and would be taken for that of the next request
            self.abort()

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name in (b"content-length", b"transfer-encoding"):
            self._ends_with_connection = False
        elif name == b"retry-after":
            self._retry_after = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        self._status = None if 100 <= status < 200 and status != 101 else status

    def on_body(self, part: bytes) -> None:
        if self._exchange is not None:
            self._body += part
            if len(self._body) > ANSWER_BYTES:
                self._complete(keep=False)

    def on_message_complete(self) -> None:
        if self._status is not None:  # else an interim response
            self._complete(keep=self._parser.should_keep_alive())
