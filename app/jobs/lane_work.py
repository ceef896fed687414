"""What the lanes of messages and files do in one process, and how each is told that work is due. `lanes` lists them."""

from __future__ import annotations

import platform
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from app import clock
from app.config.errors import ConfigError
from app.container import Gateway
from app.jobs.deliver import DeliverDue
from app.jobs.fetch_media import FetchMedia
from app.jobs.loops import Once
from app.jobs.process import process_due
from app.jobs.send import Sender
from app.jobs.send_media import SendMedia
from app.services.operations import HANDLERS
from app.store import deliveries, jobs, media
from app.store.notifications import PROCESS

GATHERED, GATHER_SECONDS = 64, 0.02
"""After a round of fewer notifications, others are let gather for so long: a round costs some thirty statements,
whatever it holds, and without a pause a steady flow of some hundred a second kept a core busy with small rounds."""


def _nothing() -> None:
    pass


@dataclass(frozen=True, slots=True)
class Work:
    """One lane in one process; only one thread at a time may call `do`.

    `do` does one round and returns whether the next one should follow without a pause. `prepare` comes before the first
    round, again and again until it does not raise. `is_at_rest` tells whether nothing of earlier rounds is under way.
    To end: `begin_stop` lets long rounds end early; when no round runs any more, `stop` gives back what is not begun,
    and `close`, after this worker has said that it leaves, waits for what cannot be given back. `stop` and `close` may
    raise `Unavailable`.
    """

    do: Callable[[], bool]
    prepare: Callable[[], object] | None = None
    is_at_rest: Callable[[], bool] = lambda: True
    begin_stop: Callable[[], None] = _nothing
    stop: Callable[[], None] = _nothing
    close: Callable[[], None] = _nothing


@dataclass(slots=True)
class Bench:
    """What the lanes of one process share.

    `refuse` is called when this worker must stop, because another one on the database has another encryption key.
    `at_once` is how many pieces of work the lane that is being made may have under way.
    """

    gateway: Gateway
    refuse: Callable[[ConfigError], None]
    stopping: threading.Event = field(default_factory=threading.Event)
    host: str = field(default_factory=platform.node)
    at_once: int = 1
    prepare: Callable[[], object] | None = None
    """Steps before the first event: endpoints must exist, so that deliveries to them are enqueued with it."""

    def __post_init__(self) -> None:
        gateway = self.gateway
        self.prepare = self.prepare or Once(
            gateway.directory.follow_settings,
            lambda: gateway.shared_settings.beat(self.host),
            lambda: sync_handlers(gateway),
        )


def process(bench: Bench) -> Work:
    """Turn stored notifications into messages and events."""

    def do() -> bool:
        count = 0 if clock.is_too_far() else process_due(bench.gateway, bench.stopping.is_set)
        if 0 < count < GATHERED:
            bench.stopping.wait(GATHER_SECONDS)
        return count > 0

    return Work(do, bench.prepare)


def is_process_due(gateway: Gateway) -> bool:
    """Whether a notification waits."""
    return jobs.any_due(gateway.database, PROCESS, gateway.now())


def send(bench: Bench) -> Work:
    """Send queued messages."""
    sender = Sender(bench.gateway.sends, bench.gateway.start_caller, bench.at_once)
    return Work(
        sender.work, bench.gateway.database_use.begin, is_at_rest=sender.is_at_rest, stop=sender.stop
    )  # fmt: skip


def is_send_due(gateway: Gateway) -> bool:
    """Whether a send waits for nothing but its turn."""
    return gateway.sends.has_due()


def deliver(bench: Bench) -> Work:
    """Deliver events to endpoints."""
    gateway = bench.gateway
    due = DeliverDue(
        gateway.database, gateway.endpoints, gateway.deliver, gateway.now, threads=bench.at_once,
        serves=gateway.deliver.serves,
    )  # fmt: skip

    def do() -> bool:
        due()  # it waits by itself
        return not due.in_flight.is_empty

    def close() -> None:
        due.close()
        gateway.post_event.close()

    return Work(do, bench.prepare, is_at_rest=lambda: due.in_flight.is_empty, close=close)


def is_delivery_due(gateway: Gateway) -> bool:
    """Whether a delivery waits for an endpoint that may be called."""
    now = gateway.now()
    callable_now = {
        each.id
        for each in gateway.endpoints.current
        if each.is_open and (each.health.open_until is None or each.health.is_over(now))
    }
    return deliveries.any_due(gateway.database, callable_now, now)


def handlers(bench: Bench) -> Work:
    """Have an endpoint for each handler of the user's module."""
    return Work(lambda: sync_handlers(bench.gateway), bench.prepare)


def sync_handlers(gateway: Gateway) -> bool:
    """Make the endpoints of handlers those that this process's module registers, if its settings count."""
    if gateway.shared_settings.may_follow(HANDLERS):
        return gateway.sync_handlers()
    gateway.sync_handlers.forget()
    return False


def heartbeat(bench: Bench) -> Work:
    """Tell the other processes that this one is alive, and which settings it has."""

    def do() -> bool:
        try:
            bench.gateway.shared_settings.beat(bench.host)
        except ConfigError as error:
            bench.refuse(error)
            return False
        bench.gateway.database_use.beat()
        return False

    return Work(do)


def fetch_live(bench: Bench) -> Work | None:
    """Fetch the files that customers send now."""
    return _fetch(bench, media.LIVE)


def fetch_later(bench: Bench) -> Work | None:
    """Fetch the files of imported histories."""
    return _fetch(bench, media.LATER)


def _fetch(bench: Bench, kind: str) -> Work | None:
    work = bench.gateway.media_work
    if work is None:
        return None
    lane = FetchMedia(kind, work.queue, work.fetch, bench.at_once)
    return Work(lane.work, is_at_rest=lane.is_at_rest, stop=lane.stop)


def is_live_due(gateway: Gateway) -> bool:
    """Whether a file that a customer sent waits to be fetched."""
    return gateway.media_work is not None and jobs.any_due(gateway.database, media.LIVE, gateway.now())


def is_later_due(gateway: Gateway) -> bool:
    """Whether a file of an imported history waits to be fetched."""
    return gateway.media_work is not None and jobs.any_due(gateway.database, media.LATER, gateway.now())


def upload(bench: Bench) -> Work:
    """Upload the files that queued sends wait for."""
    lane = SendMedia(bench.gateway.sends_awaiting_media, bench.at_once)
    return Work(lane.work, is_at_rest=lane.is_at_rest, begin_stop=lane.begin_stop, stop=lane.close)


def is_upload_due(gateway: Gateway) -> bool:
    """Whether a queued send waits for a file."""
    return gateway.sends_awaiting_media.has_due()
