"""The memory of each process while a 100 MB document comes in, goes out to the simulator, and is read back.

    python -m benchmarks.large_files [--megabytes 100] [--database-url postgresql://postgres@127.0.0.1/postgres]

Prints each process's highest PSS above its idle one, in MB, and the seconds of each step. The simulator stands in for
Meta and keeps files in memory, so it is left out.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psutil
import requests

from benchmarks.figures import HEADING, Figure
from tests.load.gateway import API_KEY, APP_SECRET, Gateway, running
from tests.load.postgres import own_database

FIRST_RUN = {
    "WHATSAPP_ACCESS_TOKEN": "", "WHATSAPP_APP_SECRET": "", "SIMULATOR": "1", "SIMULATOR_APP_SECRET": APP_SECRET,
    "WEB_CONCURRENCY": "1", "ECHO_BOT": "false",
}  # fmt: skip
SETTLED_SECONDS = 4.0
SAMPLE_SECONDS = 0.05
KEY = {"Authorization": f"Bearer {API_KEY}"}
MB = 1024 * 1024
LIMIT_MB = 60.0


class Memory:
    """The PSS of processes, sampled by a thread."""

    def __init__(self, processes: dict[str, psutil.Process]) -> None:
        self._processes = processes
        self.idle = self._now()
        self.peak = dict(self.idle)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _now(self) -> dict[str, float]:
        return {name: each.memory_full_info().pss / MB for name, each in self._processes.items()}

    def _run(self) -> None:
        while not self._stop.wait(SAMPLE_SECONDS):
            for name, pss in self._now().items():
                self.peak[name] = max(self.peak[name], pss)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Sample while the block runs."""
        self._thread.start()
        yield
        self._stop.set()
        self._thread.join()


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=100)
    parser.add_argument("--database-url", help="a PostgreSQL server to make a database on; without it SQLite")
    asked = parser.parse_args()
    with ExitStack() as stack:
        url = stack.enter_context(own_database(asked.database_url)) if asked.database_url else ""
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gateway-bench-", dir="/var/tmp")))
        gateway = Gateway(folder, database_url=url)
        gateway.extra = FIRST_RUN | {"GRAPH_API_URL": f"http://127.0.0.1:{gateway.port + 1}"}
        stack.enter_context(running(gateway))
        path = _document(folder / "large.pdf", asked.megabytes)
        sys.exit(_measure(gateway, path))


def _document(path: Path, megabytes: int) -> Path:
    with path.open("wb") as file:
        file.write(b"%PDF-1.7\n")
        for number in range(megabytes):
            block = hashlib.sha256(str(number).encode()).digest() * 32768
            file.write(block if number else block[:-9])
    return path


def _measure(gateway: Gateway, path: Path) -> int:
    simulator = gateway.wait_simulator().rstrip("/")
    time.sleep(SETTLED_SECONDS)
    web, worker = gateway.web_workers()[0], gateway.job_workers()[0]
    memory = Memory({"web": web, "worker": worker, **{f"worker's child {n}": each for n, each in
                                                      enumerate(worker.children())}})  # fmt: skip
    seconds: dict[str, float] = {}
    with memory.watched():
        for name, upload in (("form", _in_a_form), ("whole body", _as_the_body), ("chunked", _chunked)):
            with _timed(seconds, f"upload, {name}"):
                media_id = upload(gateway, path)
        with _timed(seconds, "convert nothing, upload to Meta, send"):
            _send(gateway, media_id)
        with _timed(seconds, "download"):
            digest = _digest_of(f"{gateway.url}/api/media/{media_id}/content", KEY)
    assert digest == _digest(path), "what was read back is another file"
    assert _at_meta(simulator) == digest, "Meta got another file"
    print(HEADING)
    for name, took in seconds.items():
        print(Figure(name, took, "s").as_line())
    for name, peak in memory.peak.items():
        print(Figure(f"memory above idle: {name}", peak - memory.idle[name], "MB").as_line())
    return int(any(peak - memory.idle[name] > LIMIT_MB for name, peak in memory.peak.items()))


@contextmanager
def _timed(seconds: dict[str, float], name: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    seconds[name] = time.perf_counter() - started


def _in_a_form(gateway: Gateway, path: Path) -> str:
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="large.pdf"\r\n\r\n'
    length = len(head) + path.stat().st_size + len(b"\r\n--x--\r\n")

    def pieces() -> Iterator[bytes]:
        yield head
        yield from _pieces(path)
        yield b"\r\n--x--\r\n"

    headers = {"Content-Type": "multipart/form-data; boundary=x", "Content-Length": str(length)}
    return _posted(gateway, pieces(), headers)


def _as_the_body(gateway: Gateway, path: Path) -> str:
    with path.open("rb") as file:
        return _posted(gateway, file, {"Content-Type": "application/pdf"})


def _chunked(gateway: Gateway, path: Path) -> str:
    return _posted(gateway, _pieces(path), {"Content-Type": "application/pdf"})


def _posted(gateway: Gateway, data: Any, headers: dict[str, str]) -> str:
    request = requests.Request("POST", f"{gateway.url}/api/media?filename=large.pdf", data=data, headers=KEY | headers)
    with requests.Session() as session:
        prepared = session.prepare_request(request)
        if "Content-Length" in headers:
            prepared.headers.pop("Transfer-Encoding", None)
            prepared.body = _Sized(data)
        answer = session.send(prepared, timeout=120)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


class _Sized:
    """Pieces of a body whose length is in a header already."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces

    def read(self, _size: int = -1) -> bytes:
        """Return the next piece."""
        return next(self._pieces, b"")

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces


def _send(gateway: Gateway, media_id: str) -> None:
    body = {"to": "+5491112345678", "type": "document", "document": {"id": media_id}, "force": True}
    sent = requests.post(f"{gateway.url}/send/whatsapp", json=body, headers=KEY, timeout=60)
    assert sent.status_code in (200, 202), sent.text
    until = time.monotonic() + 60
    while time.monotonic() < until:
        found = requests.get(f"{gateway.url}/api/messages/{sent.json()['id']}", headers=KEY, timeout=10).json()
        if found["status"] not in ("queued", "sending"):
            break
        time.sleep(0.1)
    assert found["message_id"], found


def _at_meta(simulator: str) -> str:
    messages = requests.get(f"{simulator}/simulator/api/accepted", timeout=10).json()
    sent = messages["data"][-1]["body"]["document"]["id"]
    token = {"Authorization": "Bearer EAAsimulated"}
    found = requests.get(f"{simulator}/v26.0/{sent}", headers=token, timeout=10).json()
    return str(found["sha256"])


def _digest_of(url: str, headers: dict[str, str]) -> str:
    sha256 = hashlib.sha256()
    with requests.get(url, headers=headers, stream=True, timeout=60) as answer:
        for piece in answer.iter_content(65536):
            sha256.update(piece)
    return sha256.hexdigest()


def _digest(path: Path) -> str:
    sha256 = hashlib.sha256()
    for piece in _pieces(path):
        sha256.update(piece)
    return sha256.hexdigest()


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(65536):
            yield piece


if __name__ == "__main__":
    main()
