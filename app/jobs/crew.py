"""The lanes that one process works on, made together and stopped together."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from dataclasses import replace

from app.errors import Unavailable
from app.jobs.lane_work import Bench, Work
from app.jobs.lanes import LANES, Lane, Queue
from app.jobs.loops import Loop


class Crew:
    """The work of this process: of every lane whose queue is in `queues`, and of those that every process does."""

    def __init__(self, bench: Bench, queues: Collection[Queue] = tuple(Queue)) -> None:
        self._bench = bench
        self.works: list[tuple[Lane, Work]] = []
        for lane in LANES:
            if lane.queue is None or lane.queue in queues:
                work = lane.make(replace(bench, at_once=lane.at_once(bench.gateway.config)))
                if work is not None:
                    self.works.append((lane, self._watched(lane, work)))

    def _watched(self, lane: Lane, work: Work) -> Work:
        watched = self._bench.gateway.failing_work.watched
        prepare = work.prepare and watched(lane.name, work.prepare)
        return replace(work, do=watched(lane.name, work.do), prepare=prepare)

    def loops(self) -> list[Loop]:
        """Return a loop for each lane, not started."""
        return [Loop(lane.name, work.do, lane.pause_seconds, work.prepare) for lane, work in self.works]

    def begin_stop(self) -> None:
        """Let long rounds end early. Rounds may still run."""
        handlers = self._bench.gateway.handlers
        if handlers is not None:
            handlers.begin_stop()
        for _, work in self.works:
            work.begin_stop()
        self._bench.stopping.set()

    def close(self) -> None:
        """Give work back, say that this worker leaves, and wait for the rest. No round may run any more."""
        gateway = self._bench.gateway
        for _, work in self.works:
            with suppress(Unavailable):
                work.stop()
        with suppress(Unavailable):
            gateway.shared_settings.leave()
            gateway.database_use.end()
        for _, work in self.works:
            with suppress(Unavailable):
                work.close()
        if gateway.handlers is not None:
            gateway.handlers.close()
        gateway.database.dispose()
