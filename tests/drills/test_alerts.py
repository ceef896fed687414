"""A worker sees what is wrong and tells a person, who did nothing but name an address."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests import factories
from tests.drills.conftest import IS_LONG, KINDS, database_of
from tests.load.bodies import sign
from tests.load.gateway import APP_SECRET, ONE_WEB, Gateway, running
from tests.load.together import together

SECONDS = 90
pytestmark = pytest.mark.skipif(not IS_LONG, reason="waits for a minute: DRILL=long")


@pytest.fixture(scope="module")
def drills(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[None]]]:
    """Both databases side by side: most of the time is spent waiting until somebody looks."""
    with together({kind: partial(_drill, kind) for kind in KINDS}, tmp_path_factory.mktemp("alerts")) as running_drills:
        yield running_drills


@pytest.mark.parametrize("kind", KINDS)
def test_a_number_that_nobody_configured_is_told(drills: dict[str, Future[None]], kind: str) -> None:
    drills[kind].result(2 * SECONDS)


def _drill(kind: str, directory: Path) -> None:
    with database_of(kind) as url, listening() as chat:
        gateway = Gateway(directory, ONE_WEB | {"ALERT_URL": f"http://127.0.0.1:{chat.port}/hook"}, database_url=url)
        with running(gateway):
            body = factories.to_bytes(factories.message_body(factories.text(), number=factories.OTHER_PNID))
            headers = {"X-Hub-Signature-256": sign(body, APP_SECRET)}
            assert gateway.request("POST", "/webhook/whatsapp", body, headers).status == 200

            assert chat.waits_for(f"ALERT Messages come in for number {factories.OTHER_PNID}"), gateway.tail()


class Chat:
    """Takes what is posted to it."""

    def __init__(self) -> None:
        self.said: list[str] = []
        said = self.said

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                said.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["text"])
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port

    def waits_for(self, beginning: str) -> bool:
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            if any(text.startswith(beginning) for text in list(self.said)):
                return True
            time.sleep(0.1)
        return False


@contextmanager
def listening() -> Iterator[Chat]:
    """One that takes what comes meanwhile."""
    chat = Chat()
    thread = threading.Thread(target=chat.server.serve_forever)
    thread.start()
    try:
        yield chat
    finally:
        chat.server.shutdown()
        thread.join()
        chat.server.server_close()
