"""The code of the child process that makes the calls of queued sends. `send_process` starts it, under gevent.

Its calls are greenlets, so hundreds of them may wait for Meta at once. The process has an interpreter lock of its own,
so the worker's other work does not delay a call whose time has come.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict

from app.domain.api_usage import ApiUsage
from app.graph.client import GraphClient
from app.graph.send_calls import CallResult, SendCall, ThreadCaller
from app.process import console
from app.process.ipc import LENGTH, Json, pack

MAX_REPORTS_PER_FRAME = 100

ALIVE_SECONDS = 2.0
"""How often the child reports that it runs, whatever its calls do."""


class Channel:
    """The socket to the worker. Reports of the same moment share one frame."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._reports: queue.SimpleQueue[Json] = queue.SimpleQueue()
        threading.Thread(target=self._send, name="send-results", daemon=True).start()
        threading.Thread(target=self._send_alive, name="send-alive", daemon=True).start()

    def frames(self) -> Iterator[Json]:
        """Yield the worker's frames until it closes the socket or ends."""
        with self._channel.makefile("rb") as file:
            while len(head := file.read(LENGTH.size)) == LENGTH.size:
                body = file.read(LENGTH.unpack(head)[0])
                yield json.loads(body)

    def send_ready(self) -> None:
        """Report that calls start at their time from now on."""
        self._reports.put({"ready": True})

    def send_result(self, result: CallResult) -> None:
        """Report the result of a call."""
        self._reports.put(result.as_json())

    def send_usage(self, token: str, usage: list[ApiUsage]) -> None:
        """Report what Graph's headers said about its rate limits."""
        self._reports.put({"token": token, "usage": [asdict(each) for each in usage]})

    def _send_alive(self) -> None:
        while True:
            time.sleep(ALIVE_SECONDS)
            self._reports.put({})

    def _send(self) -> None:
        while True:
            reports = [self._reports.get()]
            while len(reports) < MAX_REPORTS_PER_FRAME and not self._reports.empty():
                reports.append(self._reports.get())
            self._channel.sendall(pack({"reports": reports}))


def main(fileno: int) -> None:
    """Make calls until the worker has ended. `fileno` is the inherited socket."""
    # Signals to the process group are the worker's to handle: it lets running calls finish, and they run here.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)
    console.install()
    channel = Channel(socket.socket(fileno=fileno))
    frames = channel.frames()
    start = next(frames)
    graph = GraphClient(**start["graph"], on_usage=channel.send_usage)
    caller = ThreadCaller(graph, start["max_in_flight"], channel.send_result)
    channel.send_ready()
    for frame in frames:
        if "calls" in frame:
            caller.begin([SendCall(*each) for each in frame["calls"]])
        else:
            caller.stop()
    os._exit(0)  # at once: the worker reads no results any more, and Meta's status reports resolve the calls in flight
