"""Posting to the user's apps, with bounds on everything they can do to us."""

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
from app.subscribers.connecting import AddressRefused, GoneWhileIdle, NotConnected, new_pools

DEADLINE_SECONDS = 15.0
"""For one exchange: the name, the connection, the request, and the whole answer, however it drips."""

ANSWER_BYTES = 64 * 1024
"""How much of an answer is read. The rest is left where it is, and the connection closed."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a POST. Without a `status` nothing usable came, and `error` says why.

    Where it was not reached there was no connection, so that it cannot have seen the event.
    """

    status: int | None
    body: bytes
    error: str | None
    seconds: float
    retry_after: int | None = None
    was_reached: bool = True

    @property
    def is_success(self) -> bool:
        """Whether a whole answer came and said that all is well. A redirect is none: it is not followed."""
        return self.error is None and self.status is not None and 200 <= self.status < 300


class SubscriberClient:
    """Posts bodies to endpoints. Threads may share it; connections are kept for the next time."""

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
        # Its lines hold whole URLs, and people write secrets into those.
        logging.getLogger("urllib3").setLevel(logging.ERROR)

    @cached_property
    def _pools(self) -> PoolManager:
        return new_pools(self._allowed, self._pool_size)

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Post a body, and return what came of it; never raises for anything the far end does."""
        return self._call("POST", url, headers, body)

    def get(self, url: str) -> Answer:
        """The same of a GET."""
        return self._call("GET", url, {}, None)

    def close(self) -> None:
        """Close the connections that are kept for the next time."""
        self._pools.clear()

    def _call(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
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
            return Answer(None, b"", _reason(err), time.monotonic() - started, was_reached=_was_reached(err))
        raise AssertionError("unreachable")

    def _exchange(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, started: float
    ) -> Answer:
        left = self._deadline_seconds - (time.monotonic() - started)
        response = self._pools.urlopen(
            method, url, body=body, headers={**self._headers, **headers}, redirect=False, retries=False,
            timeout=timeout(max(left, 0.01)), preload_content=False, decode_content=False,
        )  # fmt: skip
        error = None
        try:
            read = _read(response)
        except (HTTPError, OSError) as err:
            read, error = b"", _reason(err)
        if error is None and len(read) <= ANSWER_BYTES:
            response.release_conn()
        else:
            response.close()
        seconds = time.monotonic() - started
        return Answer(response.status, read[:ANSWER_BYTES], error, seconds, _retry_after(response))


def _read(response: BaseHTTPResponse) -> bytes:
    """Read to the end, or a byte beyond our limit. Only the end shows whether an answer is whole."""
    read = b""
    while len(read) <= ANSWER_BYTES:
        part = response.read(ANSWER_BYTES + 1 - len(read), decode_content=False)
        if not part:
            break
        read += part
    return read


def _retry_after(response: BaseHTTPResponse) -> int | None:
    text = response.headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return int(text[:9])
    try:
        seconds = (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds()
    except (TypeError, ValueError):
        return None
    return max(0, round(seconds))


_WORDS: tuple[tuple[type[BaseException], str], ...] = (
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


def _reason(err: BaseException) -> str:
    """Say what went wrong, without the URL and whatever else the libraries quote."""
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


def _was_reached(err: BaseException) -> bool:
    return not any(isinstance(cause, _NO_CONNECTION) for cause in _chain(err))


def _chain(err: BaseException) -> list[BaseException]:
    """An error and everything it comes from."""
    chain: list[BaseException] = []
    link: BaseException | None = err
    while link is not None and link not in chain:
        chain.append(link)
        link = link.__cause__ or link.__context__
    return chain
