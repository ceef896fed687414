"""Group commit: what arrives together is committed together, at the price of one fsync.

Plain threading code that suits threads and gevent's greenlets alike: no thread of its own, so nothing to start after a
fork. The first row of a batch makes its caller the batch's leader; while the batch before it is being written, others
join, and all of them wait for the leader's commit.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from app.errors import Unavailable

Row = TypeVar("Row")


class _Batch(Generic[Row]):
    __slots__ = ("rows", "done", "errors")

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.done = threading.Event()
        self.errors: dict[int, BaseException] = {}


class GroupCommit(Generic[Row]):
    """Hands rows of concurrent callers to `write(rows)` in batches; `write` commits all of them or raises.

    If a batch fails for any reason but `Unavailable`, its rows are written one at a time, so that one bad row cannot
    fail its neighbours.
    """

    def __init__(self, write: Callable[[list[Row]], None], *, limit: int = 128, wait_seconds: float = 5.0) -> None:
        self._write = write
        self._limit = limit
        self._wait_seconds = wait_seconds
        self._turn = threading.Lock()
        self._mutex = threading.Lock()
        self._open: _Batch[Row] = _Batch()

    def add(self, row: Row) -> None:
        """Return once the row is committed.

        Raises `Unavailable` if it could not be, or not in time (then it may yet be committed: a caller who tries
        again must be recognised by its keys), and whatever `write` raised for this row otherwise.
        """
        with self._mutex:
            batch = self._open
            place = len(batch.rows)
            batch.rows.append(row)
            if place + 1 >= self._limit:
                self._open = _Batch()
        if place == 0:
            self._lead(batch)
        elif not batch.done.wait(self._wait_seconds):
            raise Unavailable
        error = batch.errors.get(place)
        if error is not None:
            raise error

    def _lead(self, batch: _Batch[Row]) -> None:
        has_turn = False
        try:
            has_turn = self._turn.acquire(timeout=self._wait_seconds)
            time.sleep(0)  # whoever is ready to join may do so first; under gevent nothing else lets them run
            self._close(batch)
            if not has_turn:
                raise Unavailable
            self._commit(batch)
        except BaseException as error:
            self._close(batch)  # or whoever comes next would join a batch that nobody commits
            told = error if isinstance(error, Exception) else Unavailable()  # it was the leader who was told to stop
            batch.errors = dict.fromkeys(range(len(batch.rows)), told)
            raise
        finally:
            if has_turn:
                self._turn.release()
            batch.done.set()

    def _close(self, batch: _Batch[Row]) -> None:
        with self._mutex:
            if self._open is batch:
                self._open = _Batch()

    def _commit(self, batch: _Batch[Row]) -> None:
        try:
            self._write(batch.rows)
        except Unavailable as error:
            batch.errors = dict.fromkeys(range(len(batch.rows)), error)
        except Exception:
            for place, row in enumerate(batch.rows):
                try:
                    self._write([row])
                except Exception as error:
                    batch.errors[place] = error
