"""What other hosts swallow is said: at the start what is seen from inside, and with a 401 what may be behind it."""

from __future__ import annotations

import io
import logging
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.web.hosts import ChunkedBodies, WholePaths, as_host_needs, problems, warn_of_host
from tests.conftest import on_sqlite

MAIN = "%{GLOBAL}"


@pytest.mark.parametrize(
    ("module", "host", "named"),
    [
        ("mod_wsgi", {"process_group": "whatsapp", "application_group": ""}, []),
        ("mod_wsgi", {"process_group": "", "application_group": ""}, ["WSGIProcessGroup"]),
        ("mod_wsgi", {"process_group": "whatsapp", "application_group": "wa.example.org|"}, [MAIN]),
        ("uwsgi", {"opt": {"socket": b":8000", "threads": b"16"}}, []),
        ("uwsgi", {"opt": {b"socket": b":8000", b"enable-threads": True}}, []),
        ("uwsgi", {"opt": {"socket": b":8000"}}, ["enable-threads"]),
        ("uwsgi", {"opt": {"threads": b"16", "die-on-term": True}}, ["hook-master-start"]),
    ],
)
def test_what_a_host_lacks_is_named(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, module: str, host: dict[str, Any],
    named: list[str],
) -> None:  # fmt: skip
    monkeypatch.setitem(sys.modules, module, SimpleNamespace(**host))

    with caplog.at_level(logging.WARNING):
        warn_of_host()

    found = [getattr(record, "reason", "") for record in caplog.records]
    assert len(found) == len(named)
    assert all(word in reason for word, reason in zip(named, found, strict=True))


def test_under_gunicorn_there_is_nothing_to_say() -> None:
    assert list(problems()) == []


@on_sqlite
def test_a_key_that_apache_kept_back_is_asked_for_with_the_remedy(client: FlaskClient) -> None:
    usual = client.get("/api/messages")
    apache = client.get("/api/messages", environ_overrides={"mod_wsgi.version": (4, 9, 4)})

    assert "WSGIPassAuthorization" not in usual.json["error"]["message"]
    assert "WSGIPassAuthorization On" in apache.json["error"]["message"]


@pytest.mark.parametrize(
    ("uri", "prefix", "given", "expected"),
    [
        ("/api/messages/a%2F%2Fb%3D?x=%2F", "", "/api/messages/a/b=", "/api/messages/a//b="),  # mod_wsgi merges
        ("/gw/api/a%2F%2Fb%3D", "/gw", "/api/a%2F%2Fb%3D", "/api/a//b="),  # Passenger decodes nothing
        ("/gw/api/a%2F%2Fb%3D", "/gw", "/api/a%2F%2Fb=", "/api/a//b="),  # AllowEncodedSlashes NoDecode
        ("/caf%C3%A9", "", "/caf\xc3\xa9", "/caf\xc3\xa9"),
        ("/old/a//b", "", "/new/a/b", "/new/a/b"),  # rewritten by a rule of Apache's
        ("/a/../b", "", "/b", "/b"),
        ("/other/b", "/gw", "/b", "/b"),
        ("http://wa.example.org/a//b", "", "/a/b", "/a//b"),
        ("", "", "/a/b", "/a/b"),
    ],
)
def test_a_path_is_as_the_client_wrote_it(uri: str, prefix: str, given: str, expected: str) -> None:
    seen: list[str] = []
    app = WholePaths(lambda environ, start: seen.append(environ["PATH_INFO"]) or [])

    app({"REQUEST_URI": uri, "SCRIPT_NAME": prefix, "PATH_INFO": given}, lambda *_: None)

    assert seen == [expected]


def test_only_hosts_that_change_paths_have_them_put_right(monkeypatch: pytest.MonkeyPatch) -> None:
    def app(environ: dict[str, Any], start: Any) -> list[bytes]:
        return []

    assert as_host_needs(app) is app
    monkeypatch.setitem(sys.modules, "mod_wsgi", SimpleNamespace())
    assert isinstance(as_host_needs(app), WholePaths)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"HTTP_TRANSFER_ENCODING": "chunked"}, b"abcdef"),
        ({"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": "3"}, b"raw"),
    ],
)
def test_uwsgi_reads_a_body_in_chunks_to_its_end(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], expected: bytes
) -> None:
    chunks = [b"ab", b"cdef", b""]
    monkeypatch.setitem(sys.modules, "uwsgi", SimpleNamespace(chunked_read=lambda seconds: chunks.pop(0)))
    seen: list[bytes] = []
    app = as_host_needs(lambda environ, start: seen.append(environ["wsgi.input"].read()) or [])

    app({**given, "wsgi.input": io.BytesIO(b"raw")}, lambda *_: None)

    assert isinstance(app, ChunkedBodies) and seen == [expected]
