"""With LOG_FORMAT=json every line of every process on the console is JSON, whatever happens, and quotes no request."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path

from tests.load.gateway import APP_SECRET, ONE_WEB, Gateway, end_now, running

NUMBER = b"5491112345678"


def test_every_line_is_json_and_quotes_nothing(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path, {"LOG_FORMAT": "json", "SIMULATOR": "1", "SIMULATOR_APP_SECRET": APP_SECRET})
    gateway.extra = {**gateway.extra, **ONE_WEB, "WHATSAPP_ACCESS_TOKEN": "", "GRAPH_API_URL": ""}
    with running(gateway, ready=False):
        gateway.wait_ready(120)
        gateway.wait_simulator(60)
        _say(gateway.port, b'{"text":"Hola","to":"' + NUMBER + b'"}\r\n\r\n')
        _say(gateway.port, b"GET /api/contacts/" + NUMBER + b" HTTP/1.1\r\nHost: a\r\nHost: " + NUMBER + b"\r\n\r\n")
        _say(gateway.port, NUMBER + b" / HTTP/1.1\r\nHost: a\r\n\r\n")
        end_now(gateway.job_workers()[0])
        end_now(gateway.web_workers()[0])
        _wait_for_line(gateway, "starting it again")
        gateway.wait_ready(60)
        assert gateway.stop(60) == 0

    lines = gateway.output.read_text().splitlines()
    assert len(lines) > 5
    for line in lines:
        assert json.loads(line)["service"]["name"], line
    assert NUMBER.decode() not in gateway.output.read_text()


def _say(port: int, request: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
        client.sendall(request)
        client.recv(1000)


def _wait_for_line(gateway: Gateway, words: str) -> None:
    until = time.monotonic() + 60
    while words not in gateway.output.read_text():
        assert time.monotonic() < until, gateway.tail()
        time.sleep(0.1)
