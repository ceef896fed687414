"""The fastest far end there is: nginx takes every POST, answers it, and logs when it came.

What is measured must not wait for it: `StandIn.headroom` measures, by wrk, how many POSTs it takes beyond what a
benchmark asked of it.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import Figure, at_least
from tests.load.gateway import free_port

GRAPH_ANSWER = '{"messages":[{"id":"wamid.$request_id"}]}'
"""What Graph answers to a send."""

HEADROOM = 5.0
"""How many times what is asked of it a stand-in must be able to take."""

_POSTS = Path(__file__).with_name("posts.lua")
_CONFIG = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
  log_format arrivals '$msec $uri'; access_log {folder}/arrivals.log arrivals;
  keepalive_requests 1000000; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    location / {{
      default_type application/json; return 200 '{answer}';
    }}
  }}
}}
"""


@dataclass(frozen=True, slots=True)
class StandIn:
    """A running one. Times of arrival are seconds, to the millisecond."""

    url: str
    log: Path

    def arrivals(self, phone_number_id: str = "") -> list[float]:
        """When messages came, for one number or all, in order."""
        lines = (line.split() for line in self.log.read_text().splitlines())
        return sorted(float(when) for when, uri in lines if phone_number_id in uri)

    def forget(self) -> None:
        """Begin a new log."""
        with self.log.open("w"):
            pass

    def headroom(self, asked: float) -> Figure:
        """Measure how many POSTs a second of 1 kB it takes, as a multiple of the `asked` ones. Forgets its log."""
        self.forget()
        command = ["wrk", "-t1", "-c32", "-d2s", "-s", str(_POSTS), f"{self.url}/v26.0/1/messages"]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        takes = float(next(line.split()[1] for line in ran.stdout.splitlines() if line.startswith("Requests/sec:")))
        self.forget()
        return at_least(f"the stand-in takes {takes:,.0f} POSTs/s ÷ what was asked", HEADROOM, takes / asked)


@contextmanager
def standing_in(folder: Path, answer: str = GRAPH_ANSWER) -> Iterator[StandIn]:
    """Start nginx on a free port, which gives one answer to everything, and end it."""
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    (folder / "nginx.conf").write_text(_CONFIG.format(folder=folder, port=port, answer=answer))
    process = subprocess.Popen(
        [program, "-c", str(folder / "nginx.conf"), "-p", str(folder), "-e", str(folder / "error.log")]
    )
    try:
        until = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)
        yield StandIn(f"http://127.0.0.1:{port}", folder / "arrivals.log")
    finally:
        process.terminate()
        process.wait(10)


def busiest_second(arrivals: list[float]) -> int:
    """The most messages that came within any one second."""
    most, first = 0, 0
    for last, moment in enumerate(arrivals):
        while moment - arrivals[first] >= 1.0:
            first += 1
        most = max(most, last - first + 1)
    return most
