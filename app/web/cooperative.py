"""Long work in a web process, which serves others meanwhile."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")

TURN_SECONDS = 0.02


def in_turns(items: Iterable[Item]) -> Iterator[Item]:
    """The same items; whoever waits in this process has a turn every 20 ms or so.

    gevent's greenlets give way to others only where they wait, and to read a thousand messages takes a second.
    """
    began = time.perf_counter()
    for item in items:
        if time.perf_counter() - began > TURN_SECONDS:
            time.sleep(0.001)  # 0 would let other greenlets run, and read no socket
            began = time.perf_counter()
        yield item
