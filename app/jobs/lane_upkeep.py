"""What is done beside messages: sends swept, old rows deleted, files tidied, people told. `lanes` says how often."""

from __future__ import annotations

import time
from collections.abc import Callable

from app.container import Gateway
from app.conversion.process import NoRoom
from app.jobs.fetch_media import sweep_vault
from app.jobs.lane_work import Bench, Work
from app.logs import get_logger
from app.services.alerts import DatabaseAlert
from app.services.delivering import reset_implausible
from app.services.messages import index_contacts, index_messages
from app.services.operations import CountTraffic, record_changed_settings
from app.services.push import DEADLINE_SECONDS, NoticePushes, SendPushes
from app.store import contact_search, message_search
from app.subscribers.client import SubscriberClient
from app.vault import VaultUnavailable

THUMBNAIL_REST = 3
"""After a thumbnail, whose process takes a core, the lane pauses this many times as long: messages come first."""

VAULT_AWAY_SECONDS = 60.0
"""Pause of what can wait, while the store of files is full or does not answer: each try costs a core for a second."""

INDEX_REST = 3
"""After indexing a batch for search, the lane pauses this many times as long as the batch took."""

logger = get_logger(__name__)


def probe(bench: Bench) -> Work:
    """Try numbers again whose sends Meta refused."""
    return Work(bench.gateway.probe_numbers)


def sweep(bench: Bench) -> Work:
    """Sweep sends: reap orphans, resolve unknown, expire, resend, purge."""
    sends = bench.gateway.sweep_sends

    def do() -> bool:
        orphans = sends.reap_orphans()
        if orphans:
            logger.warning("sends lost their process and are unknown", extra={"count": orphans})
        unreported = sends.resolve_unknown()
        if unreported:
            logger.warning("Meta never said what became of sends", extra={"count": unreported})
        expired = sends.expire()
        if expired:
            logger.warning("sends expired before their turn came", extra={"count": expired})
        sends.resend_unlikely()
        sends.purge()
        return False

    return Work(do)


def seal(bench: Bench) -> Work:
    """Seal the new entries of the audit log; first record which settings are not those of the worker before."""
    gateway = bench.gateway

    def note_settings() -> None:
        record_changed_settings(gateway.config, gateway.database, gateway.erasures, gateway.now())

    return Work(_once(gateway.seal_audit_log), note_settings)


def prune(bench: Bench) -> Work:
    """Delete what is older than the settings say, one step after the other, with the pauses that each step asks for."""

    def do() -> bool:
        bench.stopping.wait(bench.gateway.prune_expired())
        return True

    return Work(do)


def keep_up(bench: Bench) -> Work:
    """Do what is due by the hour or by night. It may take minutes."""

    def do() -> bool:
        bench.gateway.nightly_balance()
        bench.gateway.take_snapshots()
        return False

    return Work(do)


def reset_implausible_times(bench: Bench) -> Work:
    """Make deliveries due that a wrong clock put off."""

    def do() -> bool:
        count = reset_implausible(bench.gateway.database, bench.gateway.now())
        if count:
            logger.warning("deliveries were put off by a wrong clock, or left behind", extra={"count": count})
        return bool(count)

    return Work(do)


def index(bench: Bench) -> Work:
    """Index what was written for search, with pauses: messages come first."""

    def do() -> bool:
        started = time.perf_counter()
        if index_messages(bench.gateway.database) | index_contacts(bench.gateway.database):
            time.sleep(INDEX_REST * (time.perf_counter() - started))
        return False

    return Work(do)


def is_index_due(gateway: Gateway) -> bool:
    """Whether a message or a contact waits to be indexed."""
    return message_search.any_waiting(gateway.database) or contact_search.any_waiting(gateway.database)


def retry_links(bench: Bench) -> Work | None:
    """Send again what Meta could not fetch by its link."""
    wanted = bench.gateway.config.media_fetch_links == "on_failure"
    return Work(bench.gateway.retry_failed_links) if wanted else None


def discard(bench: Bench) -> Work | None:
    """Delete files that no message names any more."""
    work = bench.gateway.media_work
    return None if work is None else Work(work.discard)


def make_thumbnails(bench: Bench) -> Work | None:
    """Make one thumbnail, then pause."""
    work = bench.gateway.media_work
    if work is None:
        return None

    def do() -> bool:
        started = time.perf_counter()
        try:
            is_made = work.make_thumbnails(bench.stopping.is_set)
        except (NoRoom, VaultUnavailable) as error:
            reason = (error.meta or {}).get("reason") or error.message
            logger.warning("small pictures wait for the store of files", extra={"reason": reason})
            bench.stopping.wait(VAULT_AWAY_SECONDS)
            return False
        if is_made:
            bench.stopping.wait(THUMBNAIL_REST * (time.perf_counter() - started))
        return is_made

    return Work(do)


def sweep_the_vault(bench: Bench) -> Work | None:
    """Delete what processes that died left half received, or without a row. It may take minutes."""
    if bench.gateway.media_work is None:
        return None
    return Work(lambda: sweep_vault(bench.gateway, bench.stopping))


def watch(bench: Bench) -> Work:
    """Run the health checks that are due."""
    return Work(_once(bench.gateway.run_health_checks))


def tell(bench: Bench) -> Work:
    """Notify people of alerts."""
    return Work(bench.gateway.notify_alerts)


def tell_of_database(bench: Bench) -> Work:
    """Notify people that the database cannot be written; uses no database."""
    gateway = bench.gateway
    return Work(DatabaseAlert(gateway.database.writes, gateway.notify_alerts.channels, gateway.now))


def notice(bench: Bench) -> Work:
    """Find which devices of people are to be told something."""
    return Work(NoticePushes(bench.gateway.database, bench.gateway.now))


def push(bench: Bench) -> Work:
    """Tell them. No private network is allowed: an address comes from somebody's browser, not from an admin."""
    gateway = bench.gateway
    client = SubscriberClient(
        user_agent="whatsapp-service", allowed=(), pool_size=2, deadline_seconds=DEADLINE_SECONDS
    )  # fmt: skip
    return Work(
        SendPushes(gateway.config, gateway.database, gateway.encryptor, gateway.directory, client.post, gateway.now)
    )


def count(bench: Bench) -> Work:
    """Keep the counts of traffic by the minute."""
    count_traffic = CountTraffic(bench.gateway.database)
    return Work(lambda: count_traffic(bench.gateway.now()))


def _once(act: Callable[[], object]) -> Callable[[], bool]:
    """Return a round that does all there is to do in one call."""

    def do() -> bool:
        act()
        return False

    return do
