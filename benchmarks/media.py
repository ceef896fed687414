"""Customers' files beside the load of an 80-a-second number, and one of 100 MB.

    python -m benchmarks.media [--seconds 20] [--postgresql URL]

nginx stands in for Meta (its `url` of the webhook). First the same load without files, then with a file of 200 KB in
every tenth webhook: how fast webhooks are answered and normalised, and files stored. Then a document of 100 MB comes in
and goes out, whole and in ranges, while the memory of every process is watched.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import http.client
import os
import random
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from benchmarks.figures import HEADING, Figure, at_most
from benchmarks.load import closed_loop, open_loop, percentile
from benchmarks.working import RATE, _lags, _milliseconds
from tests.load.bodies import Maker, Webhook
from tests.load.books import Books
from tests.load.gateway import API_KEY, APP_SECRET, Gateway, free_port, running
from tests.load.senders import PATH

EVERY, PICTURES, PICTURE_BYTES, DOCUMENT_BYTES = 10, 64, 200_000, 100_000_000
_CONFIG = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
  access_log off; sendfile on; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{ listen 127.0.0.1:{port}; root {folder}/files; }}
}}
"""


class FileMaker(Maker):
    """Webhooks of which every tenth brings a file that nginx has."""

    def __init__(self, seed: int, meta: str, digests: dict[str, str]) -> None:
        super().__init__(APP_SECRET, seed)
        self._meta, self._digests = meta, digests

    def file(self, name: str, kind: str, mime_type: str) -> Webhook:
        """A message with a file."""
        message, contact = self.text()
        del message["text"]
        about = {"id": str(10**14 + self.made), "mime_type": mime_type, "sha256": self._digests[name],
                 "url": f"{self._meta}/{name}"}  # fmt: skip
        message |= {"type": kind, kind: about}
        return self.webhook([self.value(contacts=[contact], messages=[message])])

    def with_pictures(self, count: int) -> Iterator[Webhook]:
        """The mixed load, a tenth of it pictures."""
        for number, webhook in enumerate(self.mixed(count)):
            is_file = number % EVERY == 0
            yield self.file(f"{number // EVERY % PICTURES}", "image", "image/jpeg") if is_file else webhook


@contextmanager
def file_server(folder: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Start nginx with the files; yield its address and the files' digests as webhooks write them."""
    (folder / "files").mkdir(parents=True)
    digests: dict[str, str] = {}
    for name, size in [*((str(number), PICTURE_BYTES) for number in range(PICTURES)), ("document", DOCUMENT_BYTES)]:
        start = b"%PDF-1.4\n" if name == "document" else b"\xff\xd8\xff"
        content = start + random.Random(name).randbytes(1_000_000) * (size // 1_000_000 + 1)
        (folder / "files" / name).write_bytes(content[:size])
        digests[name] = base64.b64encode(hashlib.sha256(content[:size]).digest()).decode()
    port = free_port()
    (folder / "nginx.conf").write_text(_CONFIG.format(folder=folder, port=port))
    command = ["/usr/sbin/nginx", "-c", str(folder / "nginx.conf"), "-p", str(folder), "-e", str(folder / "error.log")]
    process = subprocess.Popen(command)
    try:
        time.sleep(0.5)
        yield f"http://127.0.0.1:{port}", digests
    finally:
        process.terminate()
        process.wait(10)


def measure(directory: Path, database_url: str, seconds: float) -> list[Figure]:
    """Run everything against one gateway with one web process and its worker."""
    with file_server(directory / "meta") as (meta, digests):
        settings = {"GRAPH_API_URL": meta, "WEB_CONCURRENCY": "1"}
        (directory / "gateway").mkdir()
        with running(Gateway(directory / "gateway", settings, database_url=database_url)) as gateway:
            url, books = gateway.url + PATH, Books(gateway)
            closed_loop(url, Maker(APP_SECRET, 30).mixed(500), connections=8, seconds=5)
            books.wait_settled()
            plain, plain_lags = _load(url, books, Maker(APP_SECRET, 31).mixed(int(RATE * seconds)), seconds)
            maker = FileMaker(32, meta, digests)
            with_files, lags = _load(url, books, maker.with_pictures(int(RATE * seconds)), seconds)
            stored = _stored(books)
            small = [
                Figure(f"answered, p99, {RATE}/s, without files", plain.p99, "ms"),
                at_most(f"answered, p99, {RATE}/s, a tenth with files", 50, with_files.p99),
                at_most("refused or unanswered", 0, with_files.non_2xx + with_files.errors, ""),
                Figure("normalised within, p99, without files", round(percentile(plain_lags, 0.99), 2), "ms"),
                at_most("normalised within, p99, a tenth with files", 250, percentile(lags, 0.99)),
                Figure("files stored", len(stored)),
                at_most("files not stored", 0, int(RATE * seconds) // EVERY - len(stored), ""),
                Figure("stored within, p50", round(percentile(stored, 0.5), 1), "ms"),
                at_most("stored within, p99", 2_000, percentile(stored, 0.99)),
            ]
            return small + _large(gateway, books, maker)


def _load(url: str, books: Books, webhooks: Iterator[Webhook], seconds: float) -> tuple[Any, list[float]]:
    before = books.count("events")
    result = open_loop(url, list(webhooks), rate=RATE, connections=64, seconds=seconds)
    books.wait_settled()
    return result, _lags(books, before)


def _stored(books: Books) -> list[float]:
    """Milliseconds from a webhook's arrival to its file being stored, ascending; waits until none is pending."""
    until = time.monotonic() + 60
    while books.count("media", "state = 'pending'") and time.monotonic() < until:
        time.sleep(0.2)
    rows = books.rows("SELECT created_at, stored_at FROM media WHERE state = 'stored'")
    return sorted(_milliseconds(came, kept) for came, kept in rows)


def _large(gateway: Gateway, books: Books, maker: FileMaker) -> list[Figure]:
    """A document in, out whole, and out in ranges: the most memory that any process took above its idle size."""
    processes = gateway.processes()
    figures, before = [], len(_stored(books))
    with _watched(processes) as grown:
        started = time.monotonic()
        closed_loop(gateway.url + PATH, [maker.file("document", "document", "application/pdf")],
                    connections=1, seconds=5)  # fmt: skip
        while len(_stored(books)) == before and time.monotonic() < started + 60:
            time.sleep(0.1)
    figures.append(Figure("100 MB stored within", round(time.monotonic() - started, 1), "s"))
    figures.append(at_most("most memory above idle in any process, 100 MB in", 60, max(grown.values()), "MB"))
    (media_id,) = books.rows("SELECT id FROM media ORDER BY size DESC LIMIT 1")[0]
    with _watched(processes) as grown:
        started = time.monotonic()
        taken = _download(gateway.port, media_id) + _download(gateway.port, media_id, f"bytes=5000000-{DOCUMENT_BYTES}")
    figures.append(Figure("100 MB out, twice", round(time.monotonic() - started, 1), "s"))
    figures.append(at_most("bytes that did not come out", 0, 2 * DOCUMENT_BYTES - 5_000_000 - taken, ""))
    figures.append(at_most("most memory above idle in any process, 100 MB out", 60, max(grown.values()), "MB"))
    return figures


@contextmanager
def _watched(processes: list[psutil.Process]) -> Iterator[dict[int, float]]:
    """Yield the megabytes by which each process grew at most while the block ran."""
    idle = {each.pid: each.memory_info().rss for each in processes}
    grown = dict.fromkeys(idle, 0.0)
    is_over = threading.Event()

    def watch() -> None:
        while not is_over.wait(0.02):
            for each in processes:
                if each.is_running():
                    grown[each.pid] = max(grown[each.pid], (each.memory_info().rss - idle[each.pid]) / 1e6)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield grown
    finally:
        is_over.set()
        thread.join()


def _download(port: int, media_id: str, asked: str = "") -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Authorization": f"Bearer {API_KEY}"} | ({"Range": asked} if asked else {})
    connection.request("GET", f"/media/{media_id}", headers=headers)
    answer, taken = connection.getresponse(), 0
    while piece := answer.read(256 * 1024):
        taken += len(piece)
    connection.close()
    return taken


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--postgresql", default="", help="an empty database's URL, instead of SQLite")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCHMARK_DIR")) as folder:
        found = measure(Path(folder), asked.postgresql, asked.seconds)
    print(HEADING)
    for figure in found:
        print(figure.as_line())


if __name__ == "__main__":
    main()
