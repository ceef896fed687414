"""Group commit: what arrives together is committed together, at the price of one fsync.

Plain threading code that suits threads and gevent's greenlets alike: no thread of its own, so nothing to start after a
fork. The first row of a batch makes its caller the batch's leader; while the batch before it is being written, others
join, and all of them wait for the leader's commit.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
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
    """Has rows of concurrent callers written in batches.

    `write` is given a function that takes the batch's rows. It calls it once it is ready to write them, since until
    then others may join, and commits all of them or raises. If a batch fails for any reason but `Unavailable`, its
    rows are written one at a time, so that one bad row cannot fail its neighbours.
    """

    def __init__(
        self, write: Callable[[Callable[[], list[Row]]], None], *, limit: int = 128, wait_seconds: float = 5.0
    ) -> None:
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
            if not has_turn:
                raise Unavailable
            _let_others_join(batch)
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

    def _close(self, batch: _Batch[Row]) -> list[Row]:
        with self._mutex:
            if self._open is batch:
                self._open = _Batch()
        return batch.rows

    def _commit(self, batch: _Batch[Row]) -> None:
        try:
            self._write(partial(self._close, batch))
        except Unavailable as error:
            batch.errors = dict.fromkeys(range(len(self._close(batch))), error)
        except Exception:
            for place, row in enumerate(self._close(batch)):
                try:
                    self._write(partial(list, (row,)))
                except Exception as error:
                    batch.errors[place] = error


def _let_others_join(batch: _Batch[Row]) -> None:
    """Give way for as long as somebody uses it to join: under gevent nothing else lets those who are ready run.

    Nobody waits for anybody who is not there. Alone, this costs microseconds.
    """
    size = 0
    while size != len(batch.rows):
        size = len(batch.rows)
        time.sleep(0)
