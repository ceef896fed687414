"""The loops of a worker process: what each does, and how often."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Sequence

from app import clock
from app.config.errors import ConfigError
from app.container import Gateway
from app.jobs.deliver import DeliverDue
from app.jobs.fetch_media import FetchMedia, sweep_vault
from app.jobs.loops import POLL_SECONDS, Loop, Loops, Once
from app.jobs.process import process_due
from app.jobs.send import Sender
from app.jobs.send_media import SendMedia
from app.logs import get_logger
from app.services.alerts import DatabaseAlert
from app.services.delivering import reset_implausible
from app.services.media import MediaWork
from app.services.messages import index_contacts, index_messages
from app.services.operations import HANDLERS, count_traffic
from app.services.push import DEADLINE_SECONDS, NoticePushes, SendPushes
from app.subscribers.client import SubscriberClient

HEARTBEAT_SECONDS = 5.0
PROBE_SECONDS = 1.0
HANDLERS_SECONDS = 1.0
CHECKS_SECONDS = 5.0
NOTIFY_SECONDS = 1.0
CLOCK_SECONDS = 60.0
UPKEEP_SECONDS = 30.0
LINKS_SECONDS = 2.0
FILES_SECONDS = 0.3
"""Interval of the lanes of files. A file takes longer than that by itself, and three lanes that poll are not free."""
PUSH_SECONDS = 1.0

DISCARD_SECONDS = 2.0
VAULT_SECONDS = 3600.0
THUMBNAIL_SECONDS = 0.5
THUMBNAIL_REST = 3
"""After a thumbnail, whose process takes a core, the loop pauses this many times as long: messages come first."""

INDEX_SECONDS = 0.05
INDEX_REST = 3
"""After indexing a batch for search, the loop pauses this many times as long as the batch took."""

logger = get_logger(__name__)


def worker_loops(
    gateway: Gateway,
    sender: Sender,
    deliver: DeliverDue,
    media: Sequence[FetchMedia | SendMedia],
    refuse: Callable[[ConfigError], None],
) -> Loops:
    """Return the loops of this worker, not started.

    `refuse` is called when this worker must stop, because another one on the database has another encryption key.
    """
    host = platform.node()
    loops: Loops

    def sync_handlers() -> bool:
        if gateway.shared_settings.may_follow(HANDLERS):
            return gateway.sync_handlers()
        gateway.sync_handlers.forget()
        return False

    def process() -> bool:
        return not clock.is_too_far() and process_due(gateway, loops.is_stopping)

    def heartbeat() -> bool:
        try:
            gateway.shared_settings.beat(host)
        except ConfigError as error:
            refuse(error)
            return False
        gateway.database_use.beat()
        return False

    # Endpoints must exist before the first event is written, so that deliveries to them are enqueued with it.
    prepare = Once(gateway.directory.follow_settings, lambda: gateway.shared_settings.beat(host), sync_handlers)
    loops = Loops(
        [
            Loop("process", process, POLL_SECONDS, prepare=prepare),
            # These two pause by themselves: they wait for results, and at most `POLL_SECONDS`.
            Loop("send", sender.work, 0.0, prepare=gateway.database_use.begin),
            Loop("deliver", deliver, 0.0, prepare=prepare),
            Loop("handlers", sync_handlers, HANDLERS_SECONDS, prepare=prepare),
            Loop("heartbeat", heartbeat, HEARTBEAT_SECONDS),
            Loop("probe", gateway.probe_numbers, PROBE_SECONDS),
            Loop("sweep", lambda: _sweep(gateway), HEARTBEAT_SECONDS),
            Loop("audit", lambda: _seal(gateway), HEARTBEAT_SECONDS),
            Loop("prune", lambda: _prune(gateway, loops), 0.0),
            Loop("upkeep", lambda: _keep_up(gateway), UPKEEP_SECONDS),
            Loop("clocks", lambda: _reset_implausible_times(gateway), CLOCK_SECONDS),
            Loop("search", lambda: _index(gateway), INDEX_SECONDS),
            *_media_loops(gateway, media, lambda: loops),
            *_alert_loops(gateway),
            *push_loops(gateway),
            Loop("count", lambda: count_traffic(gateway.database, gateway.now()), HEARTBEAT_SECONDS),
        ]
    )
    return loops


def _alert_loops(gateway: Gateway) -> list[Loop]:
    """Return the loops of health checks and of notifications, in threads of their own: a slow channel delays no check.

    The third loop uses no database: it notifies people that the database cannot be written.
    """

    def check() -> bool:
        gateway.run_health_checks()
        return False

    database_alert = DatabaseAlert(gateway.database.writes, gateway.notify_alerts.channels, gateway.now)
    return [
        Loop("watch", check, CHECKS_SECONDS),
        Loop("tell", gateway.notify_alerts, NOTIFY_SECONDS),
        Loop("database", database_alert, CHECKS_SECONDS),
    ]


def push_loops(gateway: Gateway) -> list[Loop]:
    """Return the loops that find which devices are to be told something, and that tell them.

    No private network is allowed: an address comes from somebody's browser, not from whoever runs the gateway.
    """
    client = SubscriberClient(
        user_agent="whatsapp-service", allowed=(), pool_size=2, deadline_seconds=DEADLINE_SECONDS
    )
    send = SendPushes(
        gateway.config, gateway.database, gateway.encryptor, gateway.directory, client.post, gateway.now
    )
    return [
        Loop("notice", NoticePushes(gateway.database, gateway.now), PUSH_SECONDS),
        Loop("push", send, PUSH_SECONDS),
    ]


def _media_loops(
    gateway: Gateway, lanes: Sequence[FetchMedia | SendMedia], all_loops: Callable[[], Loops]
) -> list[Loop]:
    """Return the loops of files, in threads of their own: neither Meta nor the vault delays anything else."""
    loops = [Loop(lane.kind, lane.work, FILES_SECONDS) for lane in lanes]
    if gateway.config.media_fetch_links == "on_failure":
        loops.append(Loop("links", gateway.retry_failed_links, LINKS_SECONDS))
    work = gateway.media_work
    if work is not None:
        loops.append(Loop("discard", work.discard, DISCARD_SECONDS))
        loops.append(Loop("thumbnails", lambda: _make_thumbnail(work, all_loops()), THUMBNAIL_SECONDS))
        loops.append(Loop("vault", lambda: sweep_vault(gateway), VAULT_SECONDS))
    return loops


def _sweep(gateway: Gateway) -> bool:
    """Sweep sends: reap orphans, resolve unknown, expire, resend, purge. Returns False: one call does all."""
    orphans = gateway.sweep_sends.reap_orphans()
    if orphans:
        logger.warning("sends lost their process and are unknown", extra={"count": orphans})
    unreported = gateway.sweep_sends.resolve_unknown()
    if unreported:
        logger.warning("Meta never said what became of sends", extra={"count": unreported})
    expired = gateway.sweep_sends.expire()
    if expired:
        logger.warning("sends expired before their turn came", extra={"count": expired})
    gateway.sweep_sends.resend_unlikely()
    gateway.sweep_sends.purge()
    return False


def _make_thumbnail(work: MediaWork, loops: Loops) -> bool:
    """Make one thumbnail, then pause; return False if none was wanted."""
    started = time.perf_counter()
    is_made = work.make_thumbnails(loops.is_stopping)
    if is_made:
        loops.wait(THUMBNAIL_REST * (time.perf_counter() - started))
    return is_made


def _seal(gateway: Gateway) -> bool:
    gateway.seal_audit_log()
    return False


def _prune(gateway: Gateway, loops: Loops) -> bool:
    """Prune one step, and pause as it says. Returns True: the pause is over."""
    loops.wait(gateway.prune_expired())
    return True


def _keep_up(gateway: Gateway) -> bool:
    """Do what is due by the hour or by night. It may take minutes, in a thread of its own. Returns False."""
    gateway.nightly_balance()
    gateway.take_snapshots()
    return False


def _reset_implausible_times(gateway: Gateway) -> bool:
    count = reset_implausible(gateway.database, gateway.now())
    if count:
        logger.warning("deliveries were put off by a wrong clock, or left behind", extra={"count": count})
    return bool(count)


def _index(gateway: Gateway) -> bool:
    started = time.perf_counter()
    if index_messages(gateway.database) | index_contacts(gateway.database):
        time.sleep(INDEX_REST * (time.perf_counter() - started))
    return False
