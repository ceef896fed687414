"""Clients that hold a connection and hardly use it: silent ones, dripped headers, dripped bodies."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

DRIP_SECONDS = 1.0
HEADERS = b"POST /webhook/whatsapp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
OPENINGS = (b"", HEADERS + b"X-Drip: ", HEADERS + b"Content-Length: 100000\r\n\r\n{")


@contextmanager
def slow_clients(
    port: int, count: int = 300, openings: Sequence[bytes] = OPENINGS
) -> Iterator[list[socket.socket]]:
    """Hold `count` connections that begin with `openings` in turn; all but the silent ones send a byte a second."""
    done = threading.Event()
    begun = [openings[number % len(openings)] for number in range(count)]
    held = [_open(port, opening) for opening in begun]
    dripping = [client for client, opening in zip(held, begun, strict=True) if opening]
    drip = threading.Thread(target=_drip, args=(dripping, done), daemon=True)
    drip.start()
    try:
        yield held
    finally:
        done.set()
        drip.join(5)
        for client in held:
            client.close()


def _open(port: int, opening: bytes) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port), timeout=5)
    try:
        client.sendall(opening)
    except OSError:
        client.close()
        raise
    return client


def _drip(clients: list[socket.socket], done: threading.Event) -> None:
    while not done.wait(DRIP_SECONDS):
        for client in clients:
            try:
                client.send(b"x")
            except OSError:
                continue  # the server has had enough of this one, which is its right


def probe(port: int, path: str, seconds: float, every: float = 0.05, timeout: float = 5.0) -> list[float]:
    """Ask for `path` on a new connection again and again; milliseconds of each answer, `inf` for none or no 200."""
    times = []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        times.append(_ask(port, path, timeout))
        time.sleep(every)
    return times


def _ask(port: int, path: str, timeout: float) -> float:
    started = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        response.read()
        return (time.perf_counter() - started) * 1000 if response.status == 200 else float("inf")
    except (OSError, http.client.HTTPException):
        return float("inf")
    finally:
        connection.close()
