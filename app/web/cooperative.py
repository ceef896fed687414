"""Run long loops in a web process without blocking its other requests."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")

YIELD_SECONDS = 0.02


def yielding(items: Iterable[Item]) -> Iterator[Item]:
    """Yield the items, and let other greenlets of this process run about every 20 ms.

    gevent switches greenlets only when one waits, and validating a thousand messages takes a second.
    """
    began = time.perf_counter()
    for item in items:
        if time.perf_counter() - began > YIELD_SECONDS:
            time.sleep(0.001)  # 0 would run other greenlets without polling any socket
            began = time.perf_counter()
        yield item
