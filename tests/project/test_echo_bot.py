from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

BOT = Path(__file__).resolve().parents[2] / "examples" / "echo_bot.py"


def event(number: int, **changes: Any) -> dict[str, Any]:
    message = {"sender": "+5491112345678", "message": f"Hola {number}", "source": "live", "handled_by": "bot"} | changes
    return {"id": f"event-{number}", "type": "message.received", "data": message}


class Gateway:
    """Enough of the gateway's API for a bot: events in order, and sends that may fail first."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = [event(1)]
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.answers: list[int] = []
        self.polls = 0

    def get(self, query: dict[str, list[str]]) -> tuple[int, Any]:
        """Events after the cursor, which counts them; `newest` is a cursor too."""
        self.polls += 1
        events, after = list(self.events), query["after"][0]
        start = len(events) if after == "newest" else int(after)
        if start == len(events):
            time.sleep(0.02)
        return 200, {"data": events[start:], "next_cursor": str(len(events))}

    def post(self, key: str, body: dict[str, Any]) -> tuple[int, Any]:
        self.sent.append((key, body))
        return (self.answers.pop(0) if self.answers else 200), {"success": True}


def test_it_answers_live_messages_that_come_after_it_started(gateway: Gateway, start: Callable[[], Any]) -> None:
    start()
    wait_until(lambda: gateway.polls > 0)

    gateway.events += [event(2, source="history"), event(6, handled_by="human"), event(3)]
    gateway.events += [event(4, sender="AR.123", message="[image]")]
    gateway.events += [{"id": "event-5", "type": "account.alerts", "data": {"field": "alerts", "value": {}}}]

    wait_until(lambda: len(gateway.sent) >= 2)
    assert gateway.sent == [
        ("event-3", {"to": "+5491112345678", "message": "You said: Hola 3"}),
        ("event-4", {"recipient": "AR.123", "message": "You said: [image]"}),
    ]


def test_it_asks_again_with_the_same_key_when_the_gateway_could_not_say_yes(
    gateway: Gateway, start: Callable[[], Any]
) -> None:
    gateway.answers = [503, 422]
    start()
    wait_until(lambda: gateway.polls > 0)

    gateway.events += [event(2), event(3)]

    wait_until(lambda: len(gateway.sent) >= 3)
    assert [key for key, _ in gateway.sent] == ["event-2", "event-2", "event-3"]


def test_it_ends_when_the_gateway_does_not_accept_its_key(start: Callable[[str], subprocess.Popen[str]]) -> None:
    bot = start("another-key")

    assert bot.wait(timeout=20) == 1


def test_it_finds_key_and_port_in_the_gateways_env_file(gateway: Gateway, server: str, tmp_path: Path) -> None:
    (tmp_path / "examples").mkdir()
    copy = shutil.copy(BOT, tmp_path / "examples")
    (tmp_path / ".env").write_text(f'# API_KEY=old\nAPI_KEY="key"\nPORT={urlsplit(server).port}\n')
    bare = {name: value for name, value in os.environ.items() if name not in ("API_KEY", "PORT", "GATEWAY_URL")}

    bot = subprocess.Popen([sys.executable, copy], env=bare, stderr=subprocess.PIPE, text=True)
    wait_until(lambda: gateway.polls > 0)
    bot.send_signal(signal.SIGINT)

    assert bot.communicate(timeout=20)[1] == "Stopped.\n"


def test_it_ends_with_the_process_that_started_it(gateway: Gateway, server: str) -> None:
    environ = os.environ | {"API_KEY": "key", "GATEWAY_URL": server}
    shell = subprocess.Popen(
        ["/bin/sh", "-c", f"'{sys.executable}' '{BOT}' & echo $!; wait"], env=environ, stdout=subprocess.PIPE, text=True
    )
    assert shell.stdout is not None
    bot = int(shell.stdout.readline())
    wait_until(lambda: gateway.polls > 0)

    shell.kill()
    shell.wait(timeout=20)
    shell.stdout.close()

    wait_until(lambda: not is_running(bot))


def wait_until(holds: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout.strip()
    return bool(state) and not state.startswith("Z")  # an orphan may wait for an init that never looks


@pytest.fixture
def gateway() -> Gateway:
    return Gateway()


@pytest.fixture
def server(gateway: Gateway) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def answer(self, found: tuple[int, Any]) -> None:
            status, body = found if self.headers["Authorization"] == "Bearer key" else (401, {})
            raw = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def do_GET(self) -> None:
            self.answer(gateway.get(parse_qs(urlsplit(self.path).query)))

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.answer(gateway.post(self.headers["Idempotency-Key"], body))

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_address[1]}"
        httpd.shutdown()
        thread.join()


@pytest.fixture
def start(server: str) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    started: list[subprocess.Popen[bytes]] = []

    def _start(key: str = "key") -> subprocess.Popen[bytes]:
        environ = os.environ | {"API_KEY": key, "GATEWAY_URL": server}
        started.append(subprocess.Popen([sys.executable, str(BOT)], env=environ, stderr=subprocess.DEVNULL))
        return started[-1]

    yield _start
    for bot in started:
        bot.kill()
        bot.wait(timeout=20)
