"""Fetch customers' files from Meta: claim due ones, fetch them in threads, record the results."""

from __future__ import annotations

import queue
import threading
import time
from threading import Event

from app import clock
from app.container import Gateway
from app.jobs.loops import POLL_SECONDS
from app.logs import get_logger, request_id_var
from app.services.media import Fetched, FetchFile, FetchQueue, Wanted

RENEW_SECONDS = 20.0
"""Interval between two renewals of the leases of fetches that run; well below the lease."""

RECORDED_AT_ONCE = 32
"""Results in one transaction, so that it stays short."""

HALF_RECEIVED_SECONDS = 24 * 3600.0

DRAIN_SECONDS = 5.0
"""How long a stop waits for fetches that run. The others are given back, and begin anew elsewhere."""

logger = get_logger(__name__)


class FetchMedia:
    """One lane of fetches, of jobs of one kind, with its own threads: however slow Meta is, nothing else waits for it.

    Only one thread may call `work` and `stop`. At most `threads` files are fetched at once, each in pieces.
    """

    def __init__(self, kind: str, jobs: FetchQueue, fetch: FetchFile, threads: int) -> None:
        self.kind = kind
        self._queue = jobs
        self._fetch = fetch
        self._threads = threads
        self._results: queue.SimpleQueue[Fetched] = queue.SimpleQueue()
        self._running: dict[int, Wanted] = {}
        self._unrecorded: list[Fetched] = []
        self._renewed_at = time.monotonic()

    def work(self) -> bool:
        """Record results and begin the next fetches; return False if there was nothing to do. Raises `Unavailable`."""
        self._collect(POLL_SECONDS if self._running else 0.0)
        has_recorded = self._record()
        if self._running and time.monotonic() > self._renewed_at + RENEW_SECONDS:
            self._renewed_at = time.monotonic()
            self._queue.renew([each.claim for each in self._running.values()])
        wanted = self._queue.claim(self.kind, self._threads - len(self._running))
        for each in wanted:
            self._running[each.claim.job_id] = each
            # Daemons: one that waits for Meta when this process stops must not hold it up.
            threading.Thread(target=self._run, args=(each,), name=f"{self.kind}-fetch", daemon=True).start()
        return bool(wanted or has_recorded or self._running)

    def is_at_rest(self) -> bool:
        """Whether nothing is being fetched, and every result is recorded."""
        return not self._running and not self._unrecorded

    def stop(self) -> None:
        """Wait a little for fetches that run, record them, and give the others back. Raises `Unavailable`."""
        until = time.monotonic() + DRAIN_SECONDS
        while self._running and time.monotonic() < until:
            self._collect(0.1)
        self._record()
        if self._running:
            self._queue.release([each.claim for each in self._running.values()])

    def _run(self, wanted: Wanted) -> None:
        token = request_id_var.set(wanted.claim.request_id or "")
        try:
            result = self._fetch(wanted.claim, wanted.file)
        except Exception as error:  # a result must come in any case: the place of this fetch is given to the next one
            logger.exception("fetching a file failed", extra={"media_id": wanted.file.id})
            result = Fetched(wanted.claim, wanted.file, reason=f"Fetching it failed ({type(error).__name__}).")
        finally:
            request_id_var.reset(token)
        self._results.put(result)

    def _collect(self, seconds: float) -> None:
        """Move results to those to be recorded; wait at most that long for the first."""
        try:
            while len(self._unrecorded) < RECORDED_AT_ONCE:
                result = self._results.get(timeout=seconds) if seconds else self._results.get_nowait()
                self._unrecorded.append(result)
                self._running.pop(result.claim.job_id, None)
                seconds = 0.0
        except queue.Empty:
            pass

    def _record(self) -> bool:
        if not self._unrecorded:
            return False
        self._queue.record(self._unrecorded)
        self._unrecorded = []
        return True


def sweep_vault(gateway: Gateway, stopping: Event) -> bool:
    """Delete what processes that died left in the vault, half received or without a row. Returns False: one call does
    all, and takes its time."""
    vault, work = gateway.media.vault, gateway.media_work
    if vault is not None and work is not None and not clock.is_too_far():
        vault.sweep(gateway.now().timestamp() - HALF_RECEIVED_SECONDS)
        work.sweep_orphans(stopping.wait, stopping.is_set)
    return False
