"""Fetch the file behind a link that a caller named: from checked addresses only, within limits of time and size."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urljoin

from urllib3 import BaseHTTPResponse, PoolManager
from urllib3.exceptions import HTTPError

from app.graph.transport import timeout
from app.security.endpoint_urls import AllowedNetwork, WrongUrl, check_url
from app.subscribers.client import reason_of
from app.subscribers.connecting import GoneWhileIdle, new_pools

FETCH_SECONDS = 120.0
"""The limit of one fetch as a whole, redirects included."""

MAX_REDIRECTS = 3
PIECE_BYTES = 64 * 1024
_REDIRECTS = (301, 302, 303, 307, 308)


class CannotFetch(Exception):
    """The file cannot be fetched. The message says why, without the URL. `is_final`: another try would not help."""

    def __init__(self, reason: str, *, is_final: bool) -> None:
        super().__init__(reason)
        self.is_final = is_final


@dataclass(frozen=True, slots=True)
class FetchedLink:
    """A file that is being fetched. `mime_type` is what its server says."""

    mime_type: str | None
    pieces: Iterator[bytes]


class LinkClient:
    """Fetches files from other people's servers. Thread-safe. It sends no cookies, no key and no token of ours."""

    def __init__(self, *, user_agent: str, allowed: Sequence[AllowedNetwork]) -> None:
        """`allowed` are private networks from which files may be fetched."""
        self._headers = {"User-Agent": user_agent, "Accept": "*/*", "Accept-Encoding": "identity"}
        self._allowed = allowed

    @cached_property
    def _pools(self) -> PoolManager:
        return new_pools(self._allowed, 1)

    @contextmanager
    def fetch(self, url: str, limit: int) -> Iterator[FetchedLink]:
        """Open a link; its pieces raise `CannotFetch` above `limit` bytes. Raises `CannotFetch`."""
        deadline = time.monotonic() + FETCH_SECONDS
        response = self._follow(url, deadline)
        try:
            length = response.headers.get("Content-Length", "")
            if length.isdecimal() and int(length) > limit:
                raise CannotFetch(_too_large(limit), is_final=True)
            yield FetchedLink(response.headers.get("Content-Type"), _pieces(response, limit))
        finally:
            response.close()

    def _follow(self, url: str, deadline: float) -> BaseHTTPResponse:
        for _ in range(MAX_REDIRECTS + 1):
            response = self._get(url, deadline)
            if response.status == 200:
                return response
            place, status = response.headers.get("Location", ""), response.status
            response.close()
            if status not in _REDIRECTS or not place:
                raise CannotFetch(f"its server answers {status}", is_final=status < 500 and status not in (408, 429))
            url = urljoin(url, place)
        raise CannotFetch(f"it leads on more than {MAX_REDIRECTS} times", is_final=True)

    def _get(self, url: str, deadline: float) -> BaseHTTPResponse:
        try:
            check_url(url, self._allowed)
            for is_last in (False, True):
                try:
                    return self._pools.urlopen(
                        "GET", url, headers=self._headers, redirect=False, retries=False, preload_content=False,
                        decode_content=False, timeout=timeout(max(0.01, deadline - time.monotonic())),
                    )  # fmt: skip
                except GoneWhileIdle:
                    if is_last:
                        raise
        except WrongUrl as error:
            raise CannotFetch(str(error), is_final=True) from error
        except (HTTPError, OSError, GoneWhileIdle) as error:
            raise CannotFetch(reason_of(error), is_final=False) from error
        raise AssertionError("unreachable")


def _pieces(response: BaseHTTPResponse, limit: int) -> Iterator[bytes]:
    """Yield the content. All reads together end at the deadline that the request was given."""
    size = 0
    try:
        while piece := response.read(PIECE_BYTES, decode_content=False):
            size += len(piece)
            if size > limit:
                raise CannotFetch(_too_large(limit), is_final=True)
            yield piece
    except (HTTPError, OSError) as error:
        raise CannotFetch(reason_of(error), is_final=False) from error


def _too_large(limit: int) -> str:
    return f"it is larger than {limit >> 20} MB"
