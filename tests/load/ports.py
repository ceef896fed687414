"""Ports for what tests start."""

from __future__ import annotations

import os
import random
import socket


def free_port() -> int:
    """A TCP port nobody listens on at the moment, nor on the two that follow: a simulator takes the next.

    Below those that systems give to clients, and not of those that another process of the same test run looks among.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    while True:
        port = 12_000 + worker % 8 * 2_500 + random.randrange(0, 2_500, 3)
        if all(_is_free(each) for each in range(port, port + 3)):
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
