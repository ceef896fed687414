"""The lanes of the worker: which kinds of work there are, how often each is done, and how much of it at once.

This is the one description of them. The worker without a broker runs each lane in a loop of its own (`worker`); with a
broker Celery carries them (`celery_worker`), each in the queue that stands here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from app.config.settings import Config
from app.container import Gateway
from app.jobs import lane_upkeep, lane_work
from app.jobs.lane_work import Bench, Work
from app.jobs.loops import POLL_SECONDS
from app.store import media
from app.store.meta_uploads import AWAITING

FILES_SECONDS = 0.3
"""Interval of the lanes of files. A file takes longer than that by itself, and three lanes that poll are not free."""


class Queue(StrEnum):
    """The queues of a broker. A worker may serve some of them only."""

    PROCESS = "process"
    SEND = "send"
    DELIVER = "deliver"
    MEDIA = "media"
    KEEP = "keep"


def _one(_config: Config) -> int:
    return 1


def _threads(config: Config) -> int:
    return config.worker_threads


@dataclass(frozen=True, slots=True)
class Lane:
    """One kind of work.

    `pause_seconds` lie between two rounds of the lane when there is nothing to do; 0: it waits for work by itself.
    `make` makes what does it in one process, or returns None where the settings turn it off. `at_once` says how many
    pieces of work one process has under way. `is_due` tells, without a lock and in well below a millisecond, whether
    there is work; a lane without it is started by the clock. `queue` is the one that carries it with a broker; None:
    every worker process does it for itself, broker or not.
    """

    name: str
    queue: Queue | None
    pause_seconds: float
    make: Callable[[Bench], Work | None]
    is_due: Callable[[Gateway], bool] | None = None
    at_once: Callable[[Config], int] = _one


def _files(config: Config) -> int:
    return max(config.worker_threads // 4, 1)


def _files_of_histories(config: Config) -> int:
    return max(_files(config) // 4, 1)


def _uploads(_config: Config) -> int:
    return 4  # large files share the line to Meta, and conversions the processors


LANES: tuple[Lane, ...] = (
    Lane("process", Queue.PROCESS, POLL_SECONDS, lane_work.process, lane_work.is_process_due),
    # These two pause by themselves: they wait for results, and at most `POLL_SECONDS`.
    Lane("send", Queue.SEND, 0.0, lane_work.send, lane_work.is_send_due, _threads),
    Lane("deliver", Queue.DELIVER, 0.0, lane_work.deliver, lane_work.is_delivery_due, _threads),
    Lane("handlers", None, 1.0, lane_work.handlers),
    Lane("heartbeat", None, 5.0, lane_work.heartbeat),
    Lane("probe", Queue.KEEP, 1.0, lane_upkeep.probe),
    Lane("sweep", Queue.KEEP, 5.0, lane_upkeep.sweep),
    Lane("audit", Queue.KEEP, 5.0, lane_upkeep.seal),
    Lane("prune", Queue.KEEP, 5.0, lane_upkeep.prune),
    Lane("upkeep", Queue.KEEP, 30.0, lane_upkeep.keep_up),
    Lane("clocks", Queue.KEEP, 60.0, lane_upkeep.reset_implausible_times),
    Lane("search", Queue.KEEP, 0.05, lane_upkeep.index, lane_upkeep.is_index_due),
    Lane(media.LIVE, Queue.MEDIA, FILES_SECONDS, lane_work.fetch_live, lane_work.is_live_due, _files),
    Lane(media.LATER, Queue.MEDIA, FILES_SECONDS, lane_work.fetch_later, lane_work.is_later_due, _files_of_histories),
    Lane(AWAITING, Queue.MEDIA, FILES_SECONDS, lane_work.upload, lane_work.is_upload_due, _uploads),
    Lane("links", Queue.MEDIA, 2.0, lane_upkeep.retry_links),
    Lane("discard", Queue.MEDIA, 2.0, lane_upkeep.discard),
    Lane("thumbnails", Queue.MEDIA, 0.5, lane_upkeep.make_thumbnails),
    Lane("vault", Queue.MEDIA, 3600.0, lane_upkeep.sweep_the_vault),
    # In threads of their own: a slow channel delays no check. What watches does not depend on what it watches.
    Lane("watch", None, 5.0, lane_upkeep.watch),
    Lane("tell", None, 1.0, lane_upkeep.tell),
    Lane("database", None, 5.0, lane_upkeep.tell_of_database),
    Lane("notice", Queue.KEEP, 1.0, lane_upkeep.notice),
    Lane("push", Queue.KEEP, 1.0, lane_upkeep.push),
    Lane("count", Queue.KEEP, 5.0, lane_upkeep.count),
)
