"""`health`: what a container's check is told, by its exit code and in words."""

from __future__ import annotations

import platform
from datetime import timedelta

import pytest
from flask import Flask

from app.clock import utc_now
from app.container import Gateway
from app.store import workers
from tests.cli.conftest import Run
from tests.conftest import on_sqlite, with_settings
from tests.graph.far_end import far_end

pytestmark = on_sqlite


@pytest.mark.parametrize(
    ("answer", "code", "told"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", 0, "ok\n"),
        (b"HTTP/1.1 503 No\r\nContent-Length: 26\r\n\r\n" + b'{"reason":"no such table"}', 1, "503: no such table\n"),
        (b"HTTP/1.1 503 No\r\nContent-Length: 17\r\n\r\n" + b'{"draining":true}', 1, "503: it is stopping\n"),
        (b"HTTP/1.1 502 No\r\nContent-Length: 4\r\n\r\noops", 1, "answered 502\n"),
        (b"nonsense\r\n\r\n", 1, "(BadStatusLine)\n"),
    ],
)
def test_of_a_web_server(app: Flask, run: Run, answer: bytes, code: int, told: str) -> None:
    with far_end(lambda connection: connection.sendall(answer)) as end:
        config = with_settings(app.extensions["gateway"].config, host="0.0.0.0", port=end.port)
        app.extensions["gateway"] = Gateway.build(config, "0")

        result = run("health")

        assert end.requests[0].startswith(b"GET /readyz ")
    assert result.exit_code == code and result.output.endswith(told)


def test_of_a_worker(run: Run, gateway: Gateway) -> None:
    host = platform.node()
    none = run("health", "--worker")
    with gateway.database.write() as session:
        workers.seen(session, "0" * 32, utc_now(), utc_now() - timedelta(hours=1), host)
    well = run("health", "--worker")
    with gateway.database.write() as session:
        workers.seen(session, "0" * 32, utc_now() - timedelta(seconds=40), utc_now() - timedelta(hours=1), host)
    silent = run("health", "--worker")

    assert (none.exit_code, none.output) == (1, f"Error: no worker on {host}\n")
    assert (well.exit_code, well.output) == (0, "ok\n")
    assert (silent.exit_code, silent.output) == (1, f"Error: the worker on {host} was last seen 40 s ago\n")
