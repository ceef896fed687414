"""What a request says of where it came from is believed of as many proxies as were named, and of no more than that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, request

from app import web
from app.config.settings import Config
from tests.conftest import on_sqlite, with_settings

SAID = {
    "X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Prefix": "/evil", "X-Forwarded-Port": "1", "X-Forwarded-Ssl": "on",
}  # fmt: skip


@on_sqlite
@pytest.mark.parametrize(
    ("hops", "seen"), [(0, ("http", "127.0.0.1", "localhost", "")), (1, ("https", "192.0.2.7", "localhost", ""))]
)
def test_only_the_address_and_the_scheme_are_believed(app: Flask, config: Config, hops: int, seen: Any) -> None:
    fresh = Flask("fresh")
    fresh.extensions["gateway"] = app.extensions["gateway"]
    web.init_app(fresh, with_settings(config, trusted_proxies=hops))
    found: list[Any] = []
    fresh.before_request(
        lambda: found.append((request.scheme, request.remote_addr, request.host, request.script_root))
    )

    fresh.test_client().get("/healthz", headers=SAID)

    assert found == [seen]


def test_gunicorn_itself_believes_nobody(gunicorn_settings: Callable[[], dict[str, Any]]) -> None:
    settings = gunicorn_settings()

    assert (settings["forwarder_headers"], settings["secure_scheme_headers"]) == ("", {})
