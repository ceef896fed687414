"""Which files a webhook, a send and a read go through, in the order in which they are entered.

    python -m benchmarks.walks [--functions]

Runs a whole gateway on a SQLite file of its own, with stand-ins for Meta and for the user's app on loopback, and
traces every function of `app/` that is entered, process by process and thread by thread. Left out are functions that
an idle gateway enters as well, the logs and the metrics, and what is made at its first use: each walk is done once
before it is traced.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.security.meta_signatures import sign_meta
from app.security.standard_webhooks import new_secret
from tests.factories import ANA, PNID, message_body, text, to_bytes
from tests.load.gateway import API_KEY, APP_SECRET, ROOT, Gateway, running
from tests.subscriber import ALLOWED, App, Handler, Posted, subscriber

FIRST, IDLE, WEBHOOK, SYNC, QUEUED, PROXY, READ = range(1, 8)
SECOND = 0
NAMES = {
    WEBHOOK: "a webhook", SYNC: "a send that waits", QUEUED: "a queued send", PROXY: "a send through /graph",
    READ: "GET /api/messages",
}  # fmt: skip
SENDS: dict[int, tuple[str, Any]] = {
    SYNC: ("/send/whatsapp", {"to": f"+{ANA}", "message": "Hola"}),
    QUEUED: ("/send/whatsapp", {"to": f"+{ANA}", "message": "Hola", "mode": "queued"}),
    PROXY: (
        f"/graph/v26.0/{PNID}/messages",
        {"messaging_product": "whatsapp", "to": ANA, "type": "text", "text": {"body": "Hola"}},
    ),
}
IDLE_SECONDS = 6.0
"""Longer than the pauses of the worker's loops."""
QUIET_SECONDS = 0.7
"""So long without a function that was not entered before is the end of a walk."""
LEFT_OUT = ("app/logs/", "app/metrics")
OTHER_WORK = ("watch", "search", "count")
"""Threads that work at the same time on something else."""


@dataclass(frozen=True, slots=True)
class Walk:
    """What one thread, or threads of one name, of one process entered: paths and functions in order of entry."""

    name: str
    where: str
    entered: list[tuple[str, str]]

    @property
    def files(self) -> list[str]:
        """Each path once, in the order of its first function."""
        return list(dict.fromkeys(path for path, _ in self.entered))


def main() -> None:
    """Trace, and print the walks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--functions", action="store_true", help="name the functions, too")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gateway-walks-") as folder:
        walks = trace(Path(folder))
    for walk in walks:
        print(f"\n{walk.name}, {walk.where}: {len(walk.files)} files, {len(walk.entered)} functions")
        for file in walk.files:
            print(f"  {file}")
            if asked.functions:
                print(*(f"      {function}" for path, function in walk.entered if path == file), sep="\n")


def trace(folder: Path, idle_seconds: float = IDLE_SECONDS) -> list[Walk]:
    """Drive a gateway in this folder through all walks; takes some 20 seconds with the usual time of idling."""
    (folder / "phase").write_bytes(b"\0")
    with subscriber(_answer_as_graph) as meta, subscriber() as app:
        settings = {
            "TRACE_FOLDER": str(folder), "PYTHONPATH": f"{ROOT}/benchmarks/tracing:{ROOT}", "WEB_CONCURRENCY": "1",
            "WEB_WORKER_CLASS": "gthread", "FORWARD_ALLOW_NETS": ALLOWED, "FORWARD_SECRET": new_secret(),
            "FORWARD_URL": app.url, "GRAPH_API_URL": meta.url.removesuffix("/events"),
        }  # fmt: skip
        with running(Gateway(folder / "gateway", settings)) as gateway:
            for round_ in (FIRST, SECOND):
                for phase in NAMES:
                    with _phase(folder, phase if round_ == SECOND else FIRST):
                        _walk(gateway, phase, app if phase == WEBHOOK else meta)
                        _wait_until_quiet(folder)
                if round_ == FIRST:
                    with _phase(folder, IDLE):
                        time.sleep(idle_seconds)
    return list(_walks(folder))


def _walk(gateway: Gateway, phase: int, far_end: App) -> None:
    """Make the request of a walk, and wait until what it leads to has arrived at the far end."""
    before = len(far_end.posted)
    _request(gateway, phase)
    _wait_until(lambda: phase == READ or len(far_end.posted) > before)


def _request(gateway: Gateway, phase: int) -> None:
    key = {"Authorization": f"Bearer {API_KEY}", "Content-Type": "application/json"}
    if phase == WEBHOOK:
        raw = to_bytes(message_body(text(id=f"wamid.{time.time_ns()}", timestamp=int(time.time()))))
        signed = {"X-Hub-Signature-256": sign_meta(APP_SECRET, raw), "Content-Type": "application/json"}
        answer = gateway.request("POST", "/webhook/whatsapp", raw, signed)
    elif phase == READ:
        answer = gateway.get("/api/messages")
    else:
        path, body = SENDS[phase]
        answer = gateway.request("POST", path, json.dumps(body).encode(), key)
    assert answer.status in (200, 202), answer.body


@contextmanager
def _phase(folder: Path, phase: int) -> Iterator[None]:
    with (folder / "phase").open("r+b", buffering=0) as file:
        file.write(bytes([phase]))
        yield
        file.seek(0)
        file.write(b"\0")


def _wait_until_quiet(folder: Path) -> None:
    size, since = -1, time.monotonic()
    while time.monotonic() - since < QUIET_SECONDS:
        now = sum(file.stat().st_size for file in folder.glob("*.[0-9]*"))
        if now != size:
            size, since = now, time.monotonic()
        time.sleep(0.02)


def _wait_until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not come true in time"
        time.sleep(0.02)


def _answer_as_graph(handler: Handler, _posted: Posted) -> None:
    handler.answer(200, json.dumps({"messages": [{"id": f"wamid.{time.time_ns()}"}]}).encode())


def _walks(folder: Path) -> Iterator[Walk]:
    """Web processes in every phase; the worker and the process that calls Meta where the work goes on there."""
    for phase, name in NAMES.items():
        for kind in ("web", "worker", "calls") if phase in (WEBHOOK, QUEUED) else ("web",):
            texts = (file.read_text() for file in folder.glob(f"{kind}.*"))
            lines = sorted((json.loads(line) for each in texts for line in each.splitlines()), key=lambda line: line[1])
            idle = {(path, function) for when, _, path, function, _ in lines if when == IDLE}
            threads: dict[str, list[tuple[str, str]]] = {}
            for when, _, path, function, thread in lines:
                if when == phase and (path, function) not in idle and not path.startswith(LEFT_OUT):
                    entered = threads.setdefault(re.sub(r"[-_ ]?[0-9].*", "", thread), [])
                    if (path, function) not in entered:
                        entered.append((path, function))
            for thread in [each for each in threads if each not in OTHER_WORK]:
                yield Walk(name, f"{kind} process, thread {thread}", threads[thread])


if __name__ == "__main__":
    main()
