"""HTTP client for the user's apps, with limits on time, size and addresses."""

from __future__ import annotations

import logging
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property

from urllib3 import BaseHTTPResponse, PoolManager
from urllib3.exceptions import HTTPError, IncompleteRead, ProtocolError
from urllib3.exceptions import TimeoutError as Urllib3Timeout

from app.graph.transport import timeout
from app.security.endpoint_urls import AllowedNetwork, WrongUrl, check_url
from app.subscribers.connecting import AddressRefused, GoneWhileIdle, NotConnected, NoThread, new_pools

DEADLINE_SECONDS = 15.0
"""The limit of one exchange as a whole: name resolution, connection, request and response."""

ANSWER_BYTES = 64 * 1024
"""How much of a response is read. If it is longer, the connection is closed."""


@dataclass(frozen=True, slots=True)
class EndpointResponse:
    """The result of a request to an endpoint. Without a usable response `status` is None, and `error` says why.

    `retry_after` is in seconds. `was_reached` is false if there was no connection, so that the app cannot have seen the
    event.
    """

    status: int | None
    body: bytes
    error: str | None
    seconds: float
    retry_after: int | None = None
    was_reached: bool = True

    @property
    def is_success(self) -> bool:
        """Whether a complete response with a 2xx status came. Redirects are not followed, and are no success."""
        return self.error is None and self.status is not None and 200 <= self.status < 300


class SubscriberClient:
    """Sends requests to endpoints. Thread-safe; keeps connections open for reuse."""

    def __init__(
        self,
        *,
        user_agent: str,
        allowed: Sequence[AllowedNetwork],
        pool_size: int,
        deadline_seconds: float = DEADLINE_SECONDS,
    ) -> None:
        self._headers = {"User-Agent": user_agent, "Content-Type": "application/json", "Accept-Encoding": "identity"}
        self._allowed = allowed
        self._pool_size = pool_size
        self._deadline_seconds = deadline_seconds
        # urllib3 logs whole URLs, which may contain secrets.
        logging.getLogger("urllib3").setLevel(logging.ERROR)

    @cached_property
    def _pools(self) -> PoolManager:
        return new_pools(self._allowed, self._pool_size)

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> EndpointResponse:
        """Post a body. Never raises for anything the endpoint does."""
        return self._call("POST", url, headers, body)

    def get(self, url: str) -> EndpointResponse:
        """Send a GET request. Never raises for anything the endpoint does."""
        return self._call("GET", url, {}, None)

    def close(self) -> None:
        """Close the connections that are kept open for reuse."""
        self._pools.clear()

    def _call(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> EndpointResponse:
        started = time.monotonic()
        try:
            check_url(url, self._allowed)
            for is_last in (False, True):
                try:
                    return self._exchange(method, url, headers, body, started)
                except GoneWhileIdle:
                    if is_last:
                        raise ProtocolError("Connection aborted.") from None
        except (HTTPError, OSError, WrongUrl, GoneWhileIdle) as err:
            seconds = time.monotonic() - started
            return EndpointResponse(None, b"", reason_of(err), seconds, was_reached=was_reached(err))
        raise AssertionError("unreachable")

    def _exchange(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, started: float
    ) -> EndpointResponse:
        left = self._deadline_seconds - (time.monotonic() - started)
        response = self._pools.urlopen(
            method, url, body=body, headers={**self._headers, **headers}, redirect=False, retries=False,
            timeout=timeout(max(left, 0.01)), preload_content=False, decode_content=False,
        )  # fmt: skip
        error = None
        try:
            read = _read(response)
        except (HTTPError, OSError) as err:
            read, error = b"", reason_of(err)
        if error is None and len(read) <= ANSWER_BYTES:
            response.release_conn()
        else:
            response.close()
        seconds, pause = time.monotonic() - started, retry_after(response.headers.get("Retry-After", ""))
        return EndpointResponse(response.status, read[:ANSWER_BYTES], error, seconds, pause)


def _read(response: BaseHTTPResponse) -> bytes:
    """Read to the end, or to one byte beyond the limit. Only the end shows whether a response is complete."""
    read = b""
    while len(read) <= ANSWER_BYTES:
        part = response.read(ANSWER_BYTES + 1 - len(read), decode_content=False)
        if not part:
            break
        read += part
    return read


def retry_after(text: str) -> int | None:
    """Return the seconds that a `Retry-After` header asks for, as a number or as a date; None for anything else."""
    text = text.strip()
    if not text:
        return None
    if text.isascii() and text.isdigit():
        return int(text[:9])
    try:
        seconds = (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds()
    except (TypeError, ValueError, OverflowError):
        return None
    return max(0, round(seconds))


_WORDS: tuple[tuple[type[BaseException], str], ...] = (
    (NoThread, "the gateway could not start a thread to connect"),
    (ssl.SSLCertVerificationError, "the certificate is not valid for this name"),
    (ssl.SSLError, "no TLS connection"),
    (socket.gaierror, "the name cannot be resolved"),
    (ConnectionRefusedError, "nobody listens there"),
    (IncompleteRead, "the answer broke off"),
    (Urllib3Timeout, "no whole answer in time"),
    (TimeoutError, "no whole answer in time"),
    (ConnectionError, "the connection broke"),
    (ProtocolError, "the answer is not HTTP, or broke off"),
)


def reason_of(err: BaseException) -> str:
    """Describe an error without the URL and other values that the libraries' messages contain."""
    chain = _chain(err)
    for cause in chain:
        if isinstance(cause, AddressRefused | WrongUrl):
            return str(cause)
    for cause in reversed(chain):
        for kind, words in _WORDS:
            if isinstance(cause, kind):
                return words
    return "no connection"


_NO_CONNECTION = (AddressRefused, WrongUrl, NotConnected, socket.gaierror, ssl.SSLError)


def was_reached(err: BaseException) -> bool:
    """Whether a connection was there when it failed, so that the app may have seen the request."""
    return not any(isinstance(cause, _NO_CONNECTION) for cause in _chain(err))


def _chain(err: BaseException) -> list[BaseException]:
    """Return an error and all its causes."""
    chain: list[BaseException] = []
    link: BaseException | None = err
    while link is not None and link not in chain:
        chain.append(link)
        link = link.__cause__ or link.__context__
    return chain
