"""Checks of this installation: worker, notifications set aside, held sends, endpoints, disks, clock, certificate."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from app import clock, metrics
from app.config.parsers import ROOT
from app.domain.alerts import Finding
from app.domain.endpoints import Format
from app.domain.holds import HeldFor
from app.errors import WrongState
from app.graph.loop_guard import address_here
from app.models import Endpoint
from app.security.encryption import Encryptor
from app.services.health_checks.context import CheckContext, Findings, at
from app.store import alert_facts, endpoints, workers
from app.store.notifications import PROCESS

BEHIND = timedelta(seconds=60)
"""How long a notification may be due before the worker counts as behind."""

SET_ASIDE_RECENTLY = timedelta(days=7)
"""How long a parked or quarantined notification keeps its alert open."""

FAILING, FAILURES = timedelta(minutes=2), 2
"""An endpoint is failing if it has accepted nothing for two minutes and at least two attempts have failed."""

SEEN_LATELY = timedelta(seconds=30)
STUCK = timedelta(minutes=2)
"""Longer than a delivery is normally claimed: it may wait for a few attempts of others, of up to 15 seconds each."""

HANDLER_CALLS = 8
"""How many handler calls, each of the longest duration allowed, a handler's delivery may wait for."""

FULL = 0.8
"""The used share of a disk, or of `STORAGE_LIMIT_MB`, that raises an alert."""

WAL_BYTES = 128_000_000
"""SQLite truncates its write-ahead log to 64 MiB as soon as no reader needs it, so a larger one means a long reader."""


def worker_behind(context: CheckContext) -> Findings:
    """Find notifications that have been due for more than a minute and are not processed."""
    with context.database.read() as session:
        oldest = alert_facts.oldest_due(session, PROCESS, context.now)
    if oldest is None or context.now - oldest <= BEHIND:
        return []
    return [Finding(details={"waiting_since": at(oldest)})]


def clock_wrong(context: CheckContext) -> Findings:
    """Find machines whose clock differs from the database's, as measured by their own workers."""
    with context.database.read() as session:
        found = workers.wrong_clocks(session, context.now - SEEN_LATELY, clock.TOLD.total_seconds())
    return [Finding(host, details={"ahead_seconds": seconds}) for host, seconds in sorted(found.items())]


def set_aside(state: str) -> Callable[[CheckContext], Findings]:
    """Return a check for notifications in this state that were received within the last week."""

    def find(context: CheckContext) -> Findings:
        with context.database.read() as session:
            found = alert_facts.set_aside(session, context.now - SET_ASIDE_RECENTLY).get(state)
        return [Finding(details={"webhooks": found[0], "first": at(found[1])})] if found else []

    return find


def sends_held(*reasons: HeldFor) -> Callable[[CheckContext], Findings]:
    """Return a check for sends held for these reasons. It returns one finding for all numbers together."""

    def find(context: CheckContext) -> Findings:
        with context.database.read() as session:
            found = alert_facts.held(session, reasons)
        if not found:
            return []
        count, first = sum(count for count, _ in found.values()), min(first for _, first in found.values())
        return [Finding(details={"sends": count, "first": at(first), "numbers": sorted(found)})]

    return find


def endpoint_failing(context: CheckContext) -> Findings:
    """Find endpoints that have accepted nothing for two minutes, in at least two attempts."""
    with context.database.read() as session:
        rows = endpoints.all_endpoints(session)
    return [
        Finding(row.id, details={**_what(row), "since": at(row.failing_since), "failures": row.failures})
        for row in rows
        if row.failures >= FAILURES and row.failing_since is not None and row.failing_since <= context.now - FAILING
        if row.disabled_at is None and not row.paused
    ]


def deliveries_stuck(context: CheckContext) -> Findings:
    """Find endpoints with deliveries that were claimed long ago and have no recorded result.

    Also sets the metric `oldest_claim_seconds`.
    """
    slow = timedelta(seconds=HANDLER_CALLS * context.config.handler_seconds)
    with context.database.read() as session:
        rows = {row.id: row for row in endpoints.all_endpoints(session)}
        found = alert_facts.long_claimed(session, context.now, STUCK)
    ages = ((context.now - since).total_seconds() for since in found.values())
    metrics.oldest_claim_seconds.set(max(ages, default=0))
    return [
        Finding(id, details={**_what(rows[id]), "claimed_since": at(since)})
        for id, since in sorted(found.items())
        if id in rows and since < context.now - STUCK - (slow if rows[id].format == Format.HANDLER else timedelta())
    ]


def endpoint_disabled(context: CheckContext) -> Findings:
    """Find endpoints that are disabled."""
    with context.database.read() as session:
        rows = endpoints.all_endpoints(session)
    return [
        Finding(row.id, details={**_what(row), "reason": row.disabled_reason})
        for row in rows
        if row.disabled_at is not None
    ]


def _what(row: Endpoint) -> dict[str, str | None]:
    return {"handler": row.url} if row.format == Format.HANDLER else {"host": urlsplit(row.url).hostname}


def encryption_key(context: CheckContext) -> Findings:
    """Find values encrypted with a key that is not configured: tokens and secrets of numbers, secrets of endpoints."""
    encryptor = Encryptor(context.config.encryption_key)
    with context.database.read() as session:
        rows = [row for row in endpoints.all_endpoints(session) if row.secret]
    lost = [row.id for row in rows if not encryptor.can_decrypt(row.secret)]
    numbers = sorted(context.directory.unreadable)
    if not lost and not numbers:
        return []
    return [Finding(details={"numbers": ", ".join(numbers), "endpoints": len(lost)})]


def disk_full(context: CheckContext) -> Findings:
    """Find disks with logs or the SQLite database that are at least 80 % full, each once."""
    places = [Path(context.config.log_dir)]
    if context.database.is_sqlite:
        places.insert(0, Path(context.database.url.database or "").parent)
    found: dict[int, Finding] = {}
    for place in places:
        try:
            usage, device = shutil.disk_usage(place), os.stat(place).st_dev
        except FileNotFoundError:
            continue  # the folder does not exist, so it holds no logs
        except OSError:
            return None
        share = usage.used / max(usage.used + usage.free, 1)
        if share >= FULL:
            details = {"percent": round(share * 100), "free_mb": usage.free // 1_000_000}
            found.setdefault(device, Finding(str(place), details=details))
    return list(found.values())


def storage_limit(context: CheckContext) -> Findings:
    """Find a database that has reached 80 % of `STORAGE_LIMIT_MB`."""
    limit = context.config.storage_limit_mb * 1_000_000
    if not limit:
        return []
    with context.database.read() as session:
        size = alert_facts.database_bytes(session)
    if size is None:
        path = context.database.url.database or ""
        size = sum(os.path.getsize(each) for each in (path, f"{path}-wal") if os.path.exists(each))
    if size < FULL * limit:
        return []
    return [Finding(details={"megabytes": size // 1_000_000, "percent": round(100 * size / limit)})]


def wal_grows(context: CheckContext) -> Findings:
    """Find a write-ahead log that SQLite cannot copy into the database, because a reader still uses an older state."""
    if not context.database.is_sqlite:
        return []
    try:
        size = os.path.getsize(f"{context.database.url.database}-wal")
    except OSError:
        return []  # there is no write-ahead log
    return [Finding(details={"megabytes": size // 1_000_000})] if size > WAL_BYTES else []


GRAPH_CA = ROOT / "data" / "graph-ca"
"""The default folder of `flask graph certificate`."""


def graph_certificate(context: CheckContext) -> Findings:
    """Find a certificate of the Graph proxy, created by the gateway, that expires within 30 days or has expired."""
    if not GRAPH_CA.is_dir():
        return []
    # Imported here, because most installations have no certificate and the library loads slowly.
    from app.services.graph_proxy.certificate import read_state

    try:
        state = read_state(GRAPH_CA)
    except (OSError, WrongState):
        return None
    if state is None or context.now < state.renew_from:
        return []
    return [Finding(", ".join(state.hosts), details={"ends": at(state.ends)})]


def graph_circle(context: CheckContext) -> Findings:
    """Find a host name of Meta's that resolves to this machine or network, so that calls to Meta end here."""
    config = context.config
    here = address_here(config.graph_api_url, config.graph_hosts, config.graph_proxy)
    return [] if here is None else [Finding(urlsplit(config.graph_api_url).hostname or "", details={"address": here})]
