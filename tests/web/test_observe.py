"""One line a request: under its id, at its end, and quoting nothing."""

from __future__ import annotations

import errno
import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from werkzeug.test import EnvironBuilder, run_wsgi_app

from app.logs import request_id_var
from app.web.observe import Observe

Answer = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def test_a_streamed_answer_is_logged_at_its_end_under_its_id(caplog: pytest.LogCaptureFixture) -> None:
    ids: list[str] = []

    def parts() -> Iterator[bytes]:
        yield b"one"
        assert not caplog.records
        ids.append(request_id_var.get())
        yield b"two"

    body, headers = _ask(_answer(parts()), caplog)

    assert body == b"onetwo"
    assert [record.message for record in caplog.records] == ["request"]
    assert ids == [headers["X-Request-ID"]]


def test_an_answer_that_breaks_off_is_one_line_of_ours_and_never_looks_whole(caplog: pytest.LogCaptureFixture) -> None:
    def parts() -> Iterator[bytes]:
        yield b"one"
        raise ValueError("+5491112345678")

    with pytest.raises(ConnectionResetError) as raised:
        _ask(_answer(parts()), caplog)

    assert raised.value.errno == errno.ECONNRESET  # which servers take for a client that went, without a line
    assert [record.message for record in caplog.records] == ["an answer broke off", "request"]


def test_a_method_that_nobody_knows_is_not_quoted(caplog: pytest.LogCaptureFixture) -> None:
    _ask(_answer([b"no"], length="2"), caplog, method="+5491112345678")

    assert caplog.records[0].__dict__["method"] == "*"


def _ask(app: Answer, caplog: pytest.LogCaptureFixture, method: str = "POST") -> tuple[bytes, Any]:
    caplog.set_level(logging.DEBUG, "whatsapp_service")
    logging.getLogger("whatsapp_service").setLevel(logging.DEBUG)
    parts, _, headers = run_wsgi_app(Observe(app, []), EnvironBuilder(method=method).get_environ())
    try:
        return b"".join(parts), headers
    finally:
        getattr(parts, "close", lambda: None)()


def _answer(parts: Iterable[bytes], length: str | None = None) -> Answer:
    def app(_environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        start("200 OK", [("Content-Length", length)] if length else [])
        return parts

    return app
