"""What runs in the process that makes the calls of queued sends. Started by `caller_process.py`, under gevent.

Its calls are greenlets: many may wait for Meta at the same time, none waits for a lock of the interpreter, and whatever
the worker does meanwhile delays none whose turn has come.
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
from app.graph.send_calls import Answer, Call, Calls
from app.process import console
from app.process.ipc import LENGTH, Json, pack

MOST_TOLD = 100
"""Answers in one frame."""

ALIVE_SECONDS = 2.0
"""How often it says that it is there, whatever its calls do."""


class Line:
    """The line to the worker. What is told at the same time travels together."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._told: queue.SimpleQueue[Json] = queue.SimpleQueue()
        threading.Thread(target=self._send, name="answers", daemon=True).start()
        threading.Thread(target=self._say_alive, name="alive", daemon=True).start()

    def frames(self) -> Iterator[Json]:
        """What the worker says, for as long as it is there."""
        with self._line.makefile("rb") as file:
            while len(head := file.read(LENGTH.size)) == LENGTH.size:
                body = file.read(LENGTH.unpack(head)[0])
                yield json.loads(body)

    def tell_ready(self) -> None:
        """Say that calls would be made at their time from now on."""
        self._told.put({"ready": True})

    def tell(self, answer: Answer) -> None:
        """Say what came of a call."""
        self._told.put(answer.as_json())

    def tell_usage(self, token: str, said: list[ApiUsage]) -> None:
        """Pass on what Graph said of its quota."""
        self._told.put({"token": token, "usage": [asdict(each) for each in said]})

    def _say_alive(self) -> None:
        while True:
            time.sleep(ALIVE_SECONDS)
            self._told.put({})

    def _send(self) -> None:
        while True:
            found = [self._told.get()]
            while len(found) < MOST_TOLD and not self._told.empty():
                found.append(self._told.get())
            self._line.sendall(pack({"told": found}))


def main(fileno: int) -> None:
    """Make calls until the worker is gone."""
    # Whoever stops the worker lets it finish what is under way, and that is here.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)
    console.install()
    line = Line(socket.socket(fileno=fileno))
    frames = line.frames()
    start = next(frames)
    calls = Calls(GraphClient(**start["graph"], on_usage=line.tell_usage), start["at_once"], line.tell)
    line.tell_ready()
    for frame in frames:
        if "calls" in frame:
            calls.begin([Call(*each) for each in frame["calls"]])
        else:
            calls.stop()
    os._exit(0)  # at once: nobody is left to tell, and Meta's reports will say what became of what is under way
