"""Group commit: rows that arrive together are committed together, with one fsync.

It is plain threading code that suits threads and gevent's greenlets alike. It has no thread of its own, so nothing must
be started after a fork. The caller with the first row of a batch is the batch's leader. While the batch before it is
being written others join, and all of them wait for the leader's commit.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Generic, TypeVar

from app.db import statement_timeout
from app.errors import Unavailable

Row = TypeVar("Row")

PATIENCE_SECONDS = 0.5
"""Who has waited longer for a write that then failed is not made to wait for another one. A database that answers
nothing fails a write after five seconds, and whoever waited for it and then tried too took ten."""


class _Batch(Generic[Row]):
    __slots__ = ("rows", "done", "errors")

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.done = threading.Event()
        self.errors: dict[int, BaseException] = {}


class GroupCommit(Generic[Row]):
    """Writes rows of concurrent callers in batches.

    `write` gets a function that returns the batch's rows and closes the batch, so that nobody can join it any more.
    `write` calls it when it is ready to write, and commits all rows or raises. If a batch fails for another reason than
    `Unavailable`, its rows are written one at a time, so that one bad row does not fail the others.
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
        self._failed_at, self._failure = float("-inf"), ""

    def add(self, row: Row) -> None:
        """Return when the row is committed.

        Raises `Unavailable` if it could not be committed, or not in time. In the latter case it may be committed later,
        so a caller who tries again must be recognised by the row's keys. Raises whatever `write` raised for this row.
        """
        with self._mutex:
            batch = self._open
            place = len(batch.rows)
            batch.rows.append(row)
            if place + 1 >= self._limit:
                self._open = _Batch()
        if place == 0:
            self._lead(batch)
        elif not batch.done.wait(self._patience()):
            raise Unavailable
        error = batch.errors.get(place)
        if error is not None:
            raise _of_this_caller(error)

    def _lead(self, batch: _Batch[Row]) -> None:
        has_turn, began = False, time.monotonic()
        try:
            has_turn = self._turn.acquire(timeout=self._patience())
            if not has_turn:
                raise Unavailable
            if self._failed_at - began > PATIENCE_SECONDS:
                raise Unavailable(reason=self._failure)
            _let_others_join(batch)
            self._commit(batch)
        except BaseException as error:
            self._close(batch)  # else the next caller would join a batch that nobody commits
            told = error if isinstance(error, Exception) else Unavailable()  # only the leader was interrupted
            batch.errors = dict.fromkeys(range(len(batch.rows)), told)
            raise
        finally:
            if has_turn:
                self._turn.release()
            batch.done.set()

    def _patience(self) -> float:
        left = statement_timeout.time_left()
        return self._wait_seconds if left is None else min(self._wait_seconds, left)

    def _close(self, batch: _Batch[Row]) -> list[Row]:
        with self._mutex:
            if self._open is batch:
                self._open = _Batch()
        return batch.rows

    def _commit(self, batch: _Batch[Row]) -> None:
        try:
            self._write(partial(self._close, batch))
        except Unavailable as error:
            self._failed_at, self._failure = time.monotonic(), error.reason
            batch.errors = dict.fromkeys(range(len(self._close(batch))), error)
        except Exception:
            for place, row in enumerate(self._close(batch)):
                try:
                    self._write(partial(list, (row,)))
                except Exception as error:
                    batch.errors[place] = error


def _of_this_caller(error: BaseException) -> BaseException:
    """Return an `Unavailable` that only this caller raises, or another error as it is.

    Raising an error adds to its traceback, which holds the frames of each caller, and in them the request.
    """
    return Unavailable(reason=error.reason) if isinstance(error, Unavailable) else error


def _let_others_join(batch: _Batch[Row]) -> None:
    """Yield for as long as other callers join: under gevent, greenlets that are ready run only then.

    It does not wait for callers that are not ready. Without any it costs microseconds.
    """
    size = 0
    while size != len(batch.rows):
        size = len(batch.rows)
        time.sleep(0)
