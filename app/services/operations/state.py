"""Read the state of the gateway for Prometheus: queues, limits, breakers, quota, prices, disks."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from app.config.settings import Config
from app.db.database import Database
from app.domain import account_news
from app.domain.media import MediaState
from app.domain.numbers import Directory
from app.domain.rate_limits import BREAKER_THRESHOLD, UTILISATION
from app.errors import Unavailable
from app.logs import get_logger
from app.metrics_state import Samples, endpoint_label
from app.models import Endpoint, NumberLimit
from app.services.numbers import read_standing
from app.services.registries import NumberDirectory
from app.store import alert_facts, alerts, api_usage, backlogs, endpoints, media, pricing, send_facts, upkeep, workers
from app.store.notifications import PROCESS

SLOW_SECONDS = 60.0
"""What Meta says, prices, sizes and files change slowly, and to read them costs more: they are read this often."""

WEEK, REMEMBERED = timedelta(days=7), timedelta(days=90)
_QUALITY = "account.phone_number_quality_update"

One = tuple[str, tuple[str, ...], float]
"""A sample: the name of the metric, the values of its labels, its value."""

logger = get_logger(__name__)


class ReadState:
    """Reads the state at each call. One instance per process, from any thread, one at a time."""

    def __init__(
        self, config: Config, database: Database, directory: NumberDirectory, version: str, now: Callable[[], datetime]
    ) -> None:
        self._config = config
        self._database = database
        self._directory = directory
        self._version = version
        self._now = now
        self._slow: list[One] = []
        self._slow_at = -SLOW_SECONDS

    def __call__(self) -> Samples:
        """Return all samples. Raises nothing: while the database is away, it says that, and what needs no database."""
        found: list[One] = [("whatsapp_build_info", (self._version,), 1), *_disks(self._config, self._database)]
        try:
            found += self._of_database()
            is_up = 1
        except Unavailable:
            is_up = 0
        except Exception:
            logger.exception("the state could not be read for metrics")
            is_up = 0
        found.append(("whatsapp_database_up", (), is_up))
        found.append(("whatsapp_database_writable", (), int(not self._database.writes.trouble)))
        samples: dict[str, list[tuple[tuple[str, ...], float]]] = {}
        for name, labels, value in found:
            samples.setdefault(name, []).append((labels, value))
        return samples

    def _of_database(self) -> list[One]:
        now, directory = self._now(), self._directory.current
        with self._database.read() as session:
            found = [*_processes(session, now), *_queues(session, now), *_alerts(session, now)]
            limits = {row.phone_number_id: row for row in send_facts.number_limits(session)}
            for number in sorted(limits.keys() | directory.numbers.keys()):
                found += _number(session, number, limits.get(number), self._rate(directory, number), now)
            rows = endpoints.all_endpoints(session)
            found += [sample for row in rows for sample in _endpoint(session, row, now)]
        owed = [value for name, _, value in found if name == "whatsapp_endpoint_backlog"]
        ages = [value for name, _, value in found if name == "whatsapp_endpoint_backlog_oldest_seconds"]
        found.append(("whatsapp_backlog", ("deliveries",), sum(owed)))
        found.append(("whatsapp_backlog_oldest_seconds", ("deliveries",), max(ages, default=0.0)))
        if time.monotonic() - self._slow_at >= SLOW_SECONDS:
            self._slow = self._read_slow(directory, now)
            self._slow_at = time.monotonic()
        return found + self._slow

    def _rate(self, directory: Directory, number: str) -> float:
        known = directory.find(number)
        return known.rate if known else self._config.messages_per_second

    def _read_slow(self, directory: Directory, now: datetime) -> list[One]:
        with self._database.read() as session:
            found = [*_usage(session, directory), *_prices(session), *_files(session, now)]
            found += _flagged(session, directory, now)
            size = alert_facts.database_bytes(session)
        if size is not None:
            found.append(("whatsapp_database_bytes", (), size))
        for number in directory.numbers:
            standing = read_standing(self._database, self._directory, number, now)
            found.append(("whatsapp_number_limit_used", (number,), standing.template_contacts))
            limit = account_news.messaging_limit({"current_limit": _whole(standing.limit)})
            if limit is not None:
                found.append(("whatsapp_number_limit", (number,), limit))
        return found


def _whole(text: str | None) -> int | str | None:
    return int(text) if text and text.lstrip("-").isdigit() else text


def _processes(session: Session, now: datetime) -> Iterator[One]:
    seen_at, living = workers.last_seen(session), workers.living(session, now)
    if seen_at is not None:
        yield "whatsapp_worker_seen_seconds", (), max((now - seen_at).total_seconds(), 0.0)
    yield "whatsapp_workers", (), len(living)
    ahead = {row.host or "": row.clock_ahead_seconds or 0.0 for row in living}
    for host, seconds in sorted(ahead.items()):
        yield "whatsapp_clock_ahead_seconds", (host,), seconds


def _queues(session: Session, now: datetime) -> Iterator[One]:
    for queue, (waiting, oldest) in (
        ("webhooks", backlogs.webhooks(session, PROCESS, now)),
        ("sends", backlogs.sends(session, now)),
        ("files", backlogs.files(session)),
    ):
        yield "whatsapp_backlog", (queue,), waiting
        yield "whatsapp_backlog_oldest_seconds", (queue,), _age(oldest, now)
    yield "whatsapp_sends_held", (), backlogs.held(session)
    aside = alert_facts.set_aside(session, now - WEEK)
    for state in ("parked", "quarantined"):
        yield "whatsapp_set_aside", (state,), aside[state][0] if state in aside else 0


def _alerts(session: Session, now: datetime) -> Iterator[One]:
    audit = upkeep.find(session, upkeep.BALANCE)
    if audit is not None and audit.at is not None and audit.place is not None:
        yield "whatsapp_audit_seconds", (), _age(audit.at, now)
    counts: dict[str, int] = {}
    for alert in alerts.all_open(session):
        counts[alert.kind] = counts.get(alert.kind, 0) + 1
    for kind, count in sorted(counts.items()):
        yield "whatsapp_alerts_open", (kind,), count


def _number(session: Session, number: str, row: NumberLimit | None, rate: float, now: datetime) -> Iterator[One]:
    waiting, oldest = backlogs.sends_of(session, number, now)
    yield "whatsapp_number_backlog", (number,), waiting
    yield "whatsapp_number_backlog_oldest_seconds", (number,), _age(oldest, now)
    yield "whatsapp_number_messages_per_second", (number,), rate * UTILISATION * (row.share if row else 1.0)
    ahead = (row.next_slot_at - now).total_seconds() if row else 0.0
    yield "whatsapp_number_slot_seconds", (number,), max(ahead, 0.0)
    is_open = row is not None and row.ambiguous_failures >= BREAKER_THRESHOLD
    yield "whatsapp_number_breaker_open", (number,), int(is_open)
    is_paused = row is not None and row.paused_until is not None and row.paused_until > now
    for reason in ("rate", "checking", "auth"):
        is_for_this = row is not None and row.paused_for == reason and (is_paused or reason != "rate")
        yield "whatsapp_number_paused", (number, reason), int(is_for_this)
    yield "whatsapp_number_bulk_stopped", (number,), int(row is not None and row.bulk_stopped_by is not None)


def _endpoint(session: Session, row: Endpoint, now: datetime) -> Iterator[One]:
    name = (endpoint_label(row.id),)
    owed, due_since = backlogs.deliveries(session, row.id, now)
    yield "whatsapp_endpoint_backlog", name, owed
    yield "whatsapp_endpoint_backlog_oldest_seconds", name, _age(due_since, now)
    yield "whatsapp_endpoint_dead", name, backlogs.undelivered(session, row.id, "dead")
    yield "whatsapp_endpoint_failing_seconds", name, _age(row.failing_since, now)
    yield "whatsapp_endpoint_breaker_open", name, int(row.opens > 0)
    yield "whatsapp_endpoint_disabled", name, int(row.disabled_at is not None)


def _usage(session: Session, directory: Directory) -> Iterator[One]:
    numbers = directory.numbers.values()
    accounts = {each.waba_id for each in numbers if each.waba_id}
    for row in api_usage.of(session, {each.app for each in numbers}, accounts):
        for what, percent in (("calls", row.call_count), ("cpu", row.total_cputime), ("time", row.total_time)):
            yield "whatsapp_api_usage_percent", (row.app, row.waba_id, row.kind, what), percent


def _prices(session: Session) -> Iterator[One]:
    for number, category, kind, billable, count in pricing.totals(session):
        yield "whatsapp_priced_messages_total", (number, category, kind, "yes" if billable else "no"), count


def _files(session: Session, now: datetime) -> Iterator[One]:
    states = [MediaState.PENDING, MediaState.GONE, MediaState.REFUSED]
    counts = media.count_since(session, states, now - WEEK)
    for state in states:
        yield "whatsapp_media", (str(state),), counts.get(state, 0)


def _flagged(session: Session, directory: Directory, now: datetime) -> Iterator[One]:
    rows = alert_facts.news(session, [_QUALITY], now - REMEMBERED)
    told = [account_news.News(_QUALITY, at, _value(data), account or "") for _, at, data, account in rows]
    flagged = {each.subject for each in account_news.quality_low(told, directory, now)}
    for number in directory.numbers:
        yield "whatsapp_number_flagged", (number,), int(number in flagged)


def _value(data: str) -> dict[str, Any]:
    value = json.loads(data).get("value")
    return value if isinstance(value, dict) else {}


def _disks(config: Config, database: Database) -> Iterator[One]:
    folders = {"logs": Path(config.log_dir), "media": Path(config.media_dir)}
    if database.is_sqlite:
        path = Path(database.url.database or "")
        folders["database"] = path.parent
        sizes = {each: _size(each) for each in (path, Path(f"{path}-wal"))}
        yield "whatsapp_database_bytes", (), sum(sizes.values())
        yield "whatsapp_wal_bytes", (), sizes[Path(f"{path}-wal")]
    for name, folder in sorted(folders.items()):
        try:
            usage = shutil.disk_usage(folder)
        except OSError:
            continue  # the folder does not exist, or no longer
        yield "whatsapp_disk_free_bytes", (name,), usage.free
        yield "whatsapp_disk_bytes", (name,), usage.used + usage.free


def _size(path: Path) -> int:
    try:
        return os.path.getsize(path)
    except OSError:
        return 0


def _age(since: datetime | None, now: datetime) -> float:
    return max((now - since).total_seconds(), 0.0) if since is not None else 0.0
