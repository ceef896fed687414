"""The process that makes the calls: what it does, and that nothing is lost or doubled however it ends."""

from __future__ import annotations

import json
import os
import queue
import signal
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from app.domain.api_usage import ApiUsage
from app.errors import GraphNotTried, GraphRefused, GraphUnknown
from app.graph.answers import SendResult
from app.graph.send_calls import CallResult, SendCall
from app.graph.send_process import SendProcess

PNID = "700100200300400"
READY_SECONDS = 20.0


class Meta:
    """Takes every message; says who asked, and waits while it is told to."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Any]] = []
        self.may_answer = threading.Event()
        self.may_answer.set()
        meta = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                meta.asked.append((self.headers["Authorization"], body))
                meta.may_answer.wait(10)
                is_refused = body["to"] == "nobody"
                said = {"error": {"code": 131026}} if is_refused else {"messages": [{"id": f"wamid.{body['to']}"}]}
                data = json.dumps(said).encode()
                self.send_response(400 if is_refused else 200)
                self.send_header("Content-Length", str(len(data)))
                self.send_header("X-App-Usage", '{"call_count": 7, "total_cputime": 2, "total_time": 3}')
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.may_answer.set()
        self._server.shutdown()
        self._server.server_close()


class Caller:
    """A caller process, and what it told."""

    def __init__(self, url: str) -> None:
        self.told: queue.SimpleQueue[CallResult] = queue.SimpleQueue()
        self.usage: list[tuple[str, list[ApiUsage]]] = []
        graph = {
            "base_url": url, "version": "v26.0", "service_version": "0", "timeout_seconds": 5.0, "proxy": None,
            "pool_size": 4,
        }  # fmt: skip
        self.process = SendProcess(
            graph, 4, {"PATH": os.environ["PATH"]}, self.told.put, lambda token, said: self.usage.append((token, said))
        )

    def wait_ready(self) -> int:
        until = time.monotonic() + READY_SECONDS
        while not self.process.is_ready():
            assert time.monotonic() < until
            time.sleep(0.02)
        assert self.process._child is not None
        return self.process._child.pid

    def next(self) -> CallResult:
        return self.told.get(timeout=5)


@pytest.fixture
def meta() -> Iterator[Meta]:
    found = Meta()
    yield found
    found.close()


@pytest.fixture
def caller(meta: Meta) -> Iterator[Caller]:
    found = Caller(meta.url)
    yield found
    found.process.close()
    running = found.process._child
    if running is not None:
        running._process.wait(5)


def call(key: str, seconds: float = 0.0, to: str = "") -> SendCall:
    return SendCall(key, PNID, json.dumps({"to": to or key}), "EAAtoken", time.time() + seconds)


def test_calls_are_made_and_answered(meta: Meta, caller: Caller) -> None:
    caller.wait_ready()
    caller.process.begin([call("one"), call("two", to="nobody")])

    answers = {answer.key: answer for answer in (caller.next(), caller.next())}

    assert answers["one"].result == SendResult("wamid.one")
    assert isinstance(answers["two"].result, GraphRefused) and answers["one"].seconds > 0
    assert sorted(meta.asked, key=str) == [("Bearer EAAtoken", {"to": "nobody"}), ("Bearer EAAtoken", {"to": "one"})]
    assert caller.usage[0] == ("EAAtoken", [ApiUsage(7, 2, 3)])


def test_before_it_is_there_nothing_is_handed_over(caller: Caller) -> None:
    caller.process.begin([call("early")])

    answer = caller.next()

    assert (answer.key, type(answer.result)) == ("early", GraphNotTried)


def test_what_it_had_in_hand_when_killed_is_unknown_and_another_goes_on(meta: Meta, caller: Caller) -> None:
    pid = caller.wait_ready()
    meta.may_answer.clear()
    caller.process.begin([call("lost")])
    while not meta.asked:
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)

    answer = caller.next()
    meta.may_answer.set()

    assert (answer.key, type(answer.result)) == ("lost", GraphUnknown)
    assert caller.wait_ready() != pid
    caller.process.begin([call("next")])
    assert caller.next().result == SendResult("wamid.next")
    assert [body["to"] for _, body in meta.asked] == ["lost", "next"]


def test_one_that_hangs_is_ended(meta: Meta, caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    pid = caller.wait_ready()
    os.kill(pid, signal.SIGSTOP)
    caller.process.begin([call("stuck")])
    with monkeypatch.context() as impatient:
        impatient.setattr("app.graph.send_process.SILENCE_TIMEOUT_SECONDS", 0.1)
        time.sleep(0.2)
        caller.process.is_ready()

    answer = caller.next()

    assert (answer.key, type(answer.result)) == ("stuck", GraphUnknown)
    assert caller.wait_ready() != pid


def test_one_that_is_still_starting_does_not_hang(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    """It imports for longer than a silence may last: that is a busy machine, and no reason to begin again."""
    caller.process.is_ready()
    starting = caller.process._child
    assert starting is not None
    os.kill(starting.pid, signal.SIGSTOP)
    with monkeypatch.context() as impatient:
        impatient.setattr("app.graph.send_process.SILENCE_TIMEOUT_SECONDS", 0.1)
        time.sleep(0.2)
        caller.process.is_ready()
    os.kill(starting.pid, signal.SIGCONT)

    assert caller.wait_ready() == starting.pid


def test_one_that_never_says_a_word_is_ended(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    caller.process.is_ready()
    starting = caller.process._child
    assert starting is not None
    os.kill(starting.pid, signal.SIGSTOP)
    with monkeypatch.context() as impatient:
        impatient.setattr("app.graph.send_process.START_TIMEOUT_SECONDS", 0.1)
        time.sleep(0.2)
        caller.process.is_ready()

    assert caller.wait_ready() != starting.pid


def test_one_whose_calls_take_long_does_not_hang(
    meta: Meta, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    pid = caller.wait_ready()
    monkeypatch.setattr("app.graph.send_process.SILENCE_TIMEOUT_SECONDS", 2.5)
    meta.may_answer.clear()
    caller.process.begin([call("slow")])
    until = time.monotonic() + 4
    while time.monotonic() < until:
        assert caller.process.is_ready()
        time.sleep(0.1)
    meta.may_answer.set()

    assert caller.next().result == SendResult("wamid.slow") and caller.wait_ready() == pid


def test_a_stop_gives_back_what_waits_and_finishes_what_has_left(meta: Meta, caller: Caller) -> None:
    caller.wait_ready()
    meta.may_answer.clear()
    caller.process.begin([call("going"), call("later", 30)])
    while not meta.asked:
        time.sleep(0.01)
    caller.process.stop()
    back = caller.next()
    meta.may_answer.set()

    assert (back.key, type(back.result)) == ("later", GraphNotTried)
    assert caller.next().result == SendResult("wamid.going")


def test_signals_to_the_whole_group_leave_it_to_the_worker(meta: Meta, caller: Caller) -> None:
    pid = caller.wait_ready()
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(pid, number)
    caller.process.begin([call("still")])

    assert caller.next().result == SendResult("wamid.still")


def test_it_ends_with_its_worker(meta: Meta, caller: Caller) -> None:
    caller.wait_ready()
    running = caller.process._child
    assert running is not None
    running._channel.shutdown(2)  # as the kernel does when the worker is gone

    assert running._process.wait(5) is not None
