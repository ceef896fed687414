"""Run work that may block its thread, such as writing to a hanging disk, in a native thread, also under gevent."""

from __future__ import annotations

import queue
import sys
import threading
from collections.abc import Callable


def run(work: Callable[[], BaseException | None], seconds: float) -> BaseException | None:
    """Run `work` in a native thread and return its result.

    Raises `TimeoutError` after `seconds`; the work then continues. `work` must use no lock, queue or socket: under
    gevent those belong to another thread.
    """
    monkey = sys.modules.get("gevent.monkey")
    if monkey is not None and monkey.is_module_patched("threading"):
        from gevent import Timeout, get_hub

        try:
            found: BaseException | None = get_hub().threadpool.spawn(work).get(timeout=seconds)
        except Timeout:
            raise TimeoutError from None
        return found
    answers: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()
    threading.Thread(target=lambda: answers.put(work()), name="native", daemon=True).start()
    try:
        return answers.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError from None
