"""Requests of commands to the API's own routes, within this process: no server is needed; the rules are the API's."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

import requests
from flask import Flask
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict
from urllib3 import HTTPResponse
from werkzeug.test import EnvironBuilder, run_wsgi_app

from app.logs import request_id_var
from app.web.auth import OWN_CALLER, OwnCaller
from app.web.observe import Observe


class InProcess(BaseAdapter):
    """Carries requests of a `requests.Session` to a Flask application, past the middleware that servers need.

    With `own`, they are this process's own and need no key. Without, they are a caller's, as an assistant's, and leave
    the log line of any other.
    """

    def __init__(self, app: Flask, own: OwnCaller | None = None) -> None:
        super().__init__()
        self._own = own
        self._serve: Callable[..., Iterable[bytes]] = partial(Flask.wsgi_app, app)
        if own is None:
            self._serve = Observe(self._serve, [rule.rule for rule in app.url_map.iter_rules()])

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Return the answer. What an application raises is answered by it, as to any caller."""
        address = urlsplit(str(request.url))
        body = request.body
        builder = EnvironBuilder(
            path=unquote_to_bytes(address.path).decode("utf-8", "replace"),
            base_url=f"{address.scheme}://{address.netloc}",
            query_string=address.query,
            method=str(request.method),
            headers=list(request.headers.items()),
            input_stream=_stream(body),
        )
        environ = builder.get_environ()
        environ[OWN_CALLER] = self._own
        token = request_id_var.set(uuid.uuid4().hex)
        try:
            parts, status, headers = run_wsgi_app(self._serve, environ)
        finally:
            request_id_var.reset(token)
        answer = requests.Response()
        answer.status_code = int(status.split()[0])
        answer.headers = CaseInsensitiveDict(headers)
        answer.encoding = requests.utils.get_encoding_from_headers(answer.headers)
        answer.url, answer.request = str(request.url), request
        answer.raw = HTTPResponse(
            io.BufferedReader(_Body(parts)), headers=dict(headers), status=answer.status_code, preload_content=False
        )
        return answer

    def close(self) -> None:
        """Nothing is kept open."""


def _stream(body: Any) -> Any:
    if body is None:
        return io.BytesIO()
    if isinstance(body, str):
        body = body.encode()
    return io.BytesIO(body) if isinstance(body, bytes) else body


class _Body(io.RawIOBase):
    """What an application answers, to be read piece by piece."""

    def __init__(self, parts: Iterable[bytes]) -> None:
        super().__init__()
        self._parts = parts
        self._ahead: Iterator[bytes] = iter(parts)
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            try:
                self._rest = next(self._ahead)
            except StopIteration:
                return 0
        size = min(len(buffer), len(self._rest))
        buffer[:size], self._rest = self._rest[:size], self._rest[size:]
        return size

    def close(self) -> None:
        end = getattr(self._parts, "close", None)
        if end is not None and not self.closed:
            end()
        super().close()
