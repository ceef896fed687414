"""Bodies of strangers, thousands that never end and hundreds of the largest size, cost neither health nor memory.

`DRILL=long .venv/bin/pytest tests/drills/test_strangers_bodies.py -s` prints the figures.
"""

from __future__ import annotations

import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.drills.conftest import IS_LONG, sized
from tests.load.bodies import Maker
from tests.load.gateway import APP_SECRET, Gateway, running
from tests.load.senders import post_all
from tests.load.slow_clients import probe

SLOW, LARGE = 2_000, 200
FALSE = b"X-Hub-Signature-256: sha256=" + b"0" * 64 + b"\r\n"
HEADERS = b"POST /webhook/whatsapp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
MOST_BYTES = 50_000_000


@pytest.mark.skipif(not IS_LONG, reason="long: run by DRILL=long")
@pytest.mark.parametrize("signature", [b"", FALSE], ids=["no signature", "a false signature"])
def test_health_is_answered_and_memory_stays(tmp_path: Path, signature: bytes) -> None:
    webhooks = list(Maker(APP_SECRET, 77).mixed(20))
    with running(Gateway(tmp_path, {"WORKER": "external"}), ready=False) as gateway:
        gateway.wait_ready(120)
        probe(gateway.port, "/healthz", seconds=1)
        before = _memory(gateway)

        with _strangers(gateway.port, SLOW, signature, 100_000, 1):
            _wait_answered(gateway)
            slow = probe(gateway.port, "/healthz", seconds=sized(6, 40))
            most_slow = _memory(gateway)
            acks = post_all(gateway, webhooks, seconds=30)
        size = 4 * 1024 * 1024
        with _strangers(gateway.port, LARGE, signature, size, size - 1):
            _wait_answered(gateway)
            large = probe(gateway.port, "/healthz", seconds=sized(6, 40))
            most_large = _memory(gateway)

        print(
            f"\n{signature[:19].decode() or 'no signature'}: health p99 {_p99(slow):.0f} and {_p99(large):.0f} ms;"
            f" memory +{(most_slow - before) / 1e6:.0f} and +{(most_large - before) / 1e6:.0f} MB"
        )
        assert float("inf") not in slow + large
        assert len(acks.acknowledged) == len(webhooks), acks.refused
        assert most_slow - before < MOST_BYTES and most_large - before < MOST_BYTES


@contextmanager
def _strangers(port: int, count: int, signature: bytes, length: int, sent: int) -> Iterator[None]:
    """Hold so many connections whose bodies lack their end; of those that were cut, too."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count + 500:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, count + 500), hard))
    opening = HEADERS + signature + f"Content-Length: {length}\r\n\r\n".encode()
    held: list[socket.socket] = []
    try:
        for _ in range(count):
            client = socket.create_connection(("127.0.0.1", port), timeout=10)
            held.append(client)
            with suppress(OSError):  # cut while it sends
                client.sendall(opening)
                client.sendall(b"x" * sent)
        yield
    finally:
        for client in held:
            client.close()


def _wait_answered(gateway: Gateway) -> None:
    """Until the connections that came all at once have been looked at: they are many, and ours waits behind them."""
    probe(gateway.port, "/healthz", seconds=0.01, timeout=60)


def _memory(gateway: Gateway) -> int:
    """What the web processes hold for themselves."""
    return sum(process.memory_full_info().uss for process in gateway.web_workers())


def _p99(times: list[float]) -> float:
    return sorted(times)[int(len(times) * 0.99)]
