"""A deployment goes away and comes back: Meta goes on trying, with growing pauses, and in the end all must be there."""

from __future__ import annotations

import threading
import time
from functools import partial

from simulator.scenarios.bodies import Key, Maker
from simulator.scenarios.open_loop import Posted, Progress
from simulator.scenarios.target import Target
from simulator.settings import Pace
from simulator.webhooks.postman import Address, Postman
from simulator.world.scheduler import Scheduler

_LOOK_SECONDS = 0.1


def write_through(
    target: Target, *, rate: float, seconds: float, patience: float, pace: Pace, progress: Progress
) -> Posted:
    """Write as customers, `rate` a second for so long, and try each webhook again until it is answered 200.

    After the last, waits up to `patience` seconds for what is still unanswered. Whoever runs this takes the deployment
    away meanwhile. `latencies` are the times from a message to the 200 for it.
    """
    scheduler = Scheduler()
    attempt = _Attempt(target, Postman(pace, scheduler), progress)
    try:
        return attempt.run(int(rate * seconds), 1 / rate, patience)
    finally:
        scheduler.close()


class _Attempt:
    def __init__(self, target: Target, postman: Postman, progress: Progress) -> None:
        self._address = Address(target.app_secret, target.webhook_url)
        self._numbers = target.numbers
        self._maker = Maker(target.app_secret, target.numbers)
        self._postman = postman
        self._progress = progress
        self._posted = Posted()
        self._shown = 0
        self._lock = threading.Lock()

    def run(self, messages: int, interval: float, patience: float) -> Posted:
        started = time.monotonic()
        for number in range(messages):
            self._wait_until(started + number * interval)
            self._write(number)
        over = time.monotonic() + patience
        while len(self._posted.acknowledged) < messages and time.monotonic() < over:
            self._wait_until(time.monotonic() + _LOOK_SECONDS)
        self._tell_progress()
        self._posted.seconds = time.monotonic() - started
        return self._posted

    def _write(self, count: int) -> None:
        number = self._numbers[count % len(self._numbers)]
        key, value = self._maker.message(number)
        self._posted.sent += 1
        self._posted.sent_keys.add(key)
        change = {"field": "messages", "value": value}
        self._postman.bring(self._address, number.waba_id, change, partial(self._answered, key, time.monotonic()))

    def _answered(self, key: Key, written_at: float) -> None:
        with self._lock:
            self._posted.acknowledged.add(key)
            self._posted.answers["200"] += 1
            self._posted.latencies.append((time.monotonic() - written_at) * 1000)

    def _wait_until(self, due: float) -> None:
        while (left := due - time.monotonic()) > 0:
            self._tell_progress()
            time.sleep(min(left, _LOOK_SECONDS))

    def _tell_progress(self) -> None:
        answered = len(self._posted.acknowledged)
        self._progress(answered - self._shown)
        self._shown = answered
