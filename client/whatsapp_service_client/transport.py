"""Requests, tried again where that is safe: reads always, and writes because each carries an `Idempotency-Key`."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import Enum
from typing import Any, Final
from urllib.parse import quote, urlsplit

import requests

from whatsapp_service_client.errors import GatewayError, Unreachable, error_of
from whatsapp_service_client.version import __version__

LONGEST_PAUSE_SECONDS = 60.0
"""A `Retry-After` above this is not waited for: the error is raised instead."""


_HERE = ("localhost", "127.0.0.1", "::1")


class _Unset(Enum):
    UNSET = "unset"

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Final = _Unset.UNSET
"""What an argument is that was not given: it stays out of the request, whereas None is sent as null."""
Unset = _Unset


class Transport:
    """Sends requests to one gateway and raises its errors. Use one for each thread."""

    def __init__(
        self,
        url: str,
        api_key: str,
        *,
        timeout: float = 60.0,
        retries: int = 3,
        session: requests.Session | None = None,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise ValueError("the address of a gateway begins with http:// or https://")
        if "@" in parts.netloc or "\\" in url:
            raise ValueError("the address of a gateway holds no name and no password")
        if not all("!" <= each <= "~" for each in api_key):
            raise ValueError("an API key has no spaces and only ASCII characters")
        self.url = url.rstrip("/")
        self._key = api_key
        self._timeout = timeout
        self._retries = retries
        self.session = session or requests.Session()
        if session is None and parts.hostname in _HERE:
            self.session.trust_env = False  # a proxy of the environment's would be given the key, and leads nowhere
        self._sleep = sleep

    def close(self) -> None:
        """Close the connections that are kept open."""
        self.session.close()

    def json(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
        more_seconds: float = 0.0,
    ) -> Any:
        """Return what the answer's JSON holds. Raises `GatewayError`."""
        options: dict[str, Any] = {}
        if body is not None:
            options["json"] = {name: _plain(value) for name, value in body.items() if value is not UNSET}
        answer = self.send(
            method, path, query=query, idempotency_key=idempotency_key, more_seconds=more_seconds, **options
        )
        with answer:
            try:
                return answer.json()
            except ValueError:
                raise error_of(answer.status_code, None, None) from None

    def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
        more_seconds: float = 0.0,
        headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> requests.Response:
        """Return an answer of 2xx. Tries again while that may help. Raises `GatewayError`."""
        sent = {"User-Agent": f"whatsapp-service-client/{__version__}"}
        if method != "GET":
            sent["Idempotency-Key"] = idempotency_key or str(uuid.uuid4())
        params = [(name, _text(value)) for name, value in (query or {}).items() if value not in (None, UNSET)]
        tries = 0
        while True:
            tries += 1
            try:
                answer = self.session.request(
                    method, self.url + path, params=params, headers=sent | dict(headers or {}),
                    auth=self._sign, timeout=(10.0, self._timeout + more_seconds), allow_redirects=False, **options,
                )  # fmt: skip
            except requests.RequestException as failure:
                error: GatewayError = Unreachable(
                    f"{self.url} did not answer ({type(failure).__name__}).", code="unreachable", retryable=True
                )
            else:
                if 200 <= answer.status_code < 300:
                    return answer
                with answer:
                    error = error_of(answer.status_code, _json_of(answer), _seconds(answer))
            pause = _pause(error, tries)
            # What was read of a file cannot be read again.
            is_spent = "data" in options and not isinstance(options["data"], bytes)
            if pause is None or tries > self._retries or is_spent:
                raise error
            self._sleep(pause)

    def _sign(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Put the key into a request. As a header alone it would be replaced by what a `.netrc` has for the host."""
        request.headers["Authorization"] = f"Bearer {self._key}"
        return request


def path_of(template: str, **arguments: str) -> str:
    """Fill ids into a path. Raises `ValueError` for an empty one, which would name the whole list."""
    for name, value in arguments.items():
        # `.` and `..` would be folded away, and lead to another operation; a slash may stand in a wamid.
        if not value.strip("/") or any(part in (".", "..") for part in value.split("/")):
            raise ValueError(f"{name} must be an id")
    return template.format(**{name: quote(value, safe="/") for name, value in arguments.items()})


def _pause(error: GatewayError, tries: int) -> float | None:
    if not error.retryable:
        return None
    pause = error.retry_after if error.retry_after is not None else 0.5 * 2 ** (tries - 1)
    return pause if pause <= LONGEST_PAUSE_SECONDS else None


def _seconds(answer: requests.Response) -> float | None:
    text = answer.headers.get("Retry-After", "")
    return float(text) if text.isascii() and text.isdigit() else None


def _json_of(answer: requests.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return None


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(_plain(value))


def _plain(value: Any) -> Any:
    if not isinstance(value, datetime):
        return value
    if value.tzinfo is None:
        raise ValueError("a time needs its time zone, as datetime.now(timezone.utc)")
    return value.isoformat()
