"""Process claimed notifications: parse them, build change sets, and write these batch by batch."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from app import metrics, metrics_exemplars, traces
from app.db.batch_size import ChunkSize
from app.db.database import Database
from app.domain.messages import Revision
from app.errors import Unavailable
from app.logs import get_logger, request_id_var
from app.services.contacts import IdentityResolver, lookup_aliases
from app.services.events import EventLog
from app.services.processing import lookups
from app.services.processing.change_set import ChangeSet, ProcessingOptions, StoredState
from app.services.processing.planning import build_change_set, people_in, referenced_messages, revisable
from app.services.processing.work import Batch, NotificationWork, WorkItem, batches, parse
from app.services.processing.write import StaleChangeSet, write
from app.services.registries import NumberDirectory
from app.store import contacts, events, jobs, messages, notifications, revisions
from app.store.jobs import Claim

LEASE = timedelta(seconds=15)
"""Lease of a claim: after a worker died, others wait at most this long for its jobs. Renewed with every batch."""

RENEW_INTERVAL_SECONDS = 5.0
"""Seconds between renewals of the claims that wait for their batch; well below the lease."""

RETRY_DELAYS = (1, 2, 5, 10)
"""Seconds before a failed notification is tried again, by attempt. Later notifications of its contacts wait as long."""

logger = get_logger(__name__)


class ProcessNotifications:
    """Turns stored notifications into messages, statuses, contacts and events, each item exactly once.

    The process may be killed at any moment: a second call with the same notifications stores nothing twice, because
    unique keys identify what the first one stored.
    """

    def __init__(
        self,
        database: Database,
        directory: NumberDirectory,
        log: EventLog,
        now: Callable[[], datetime],
        options: ProcessingOptions,
    ) -> None:
        self._options = options
        self._database = database
        self._directory = directory
        self._log = log
        self._now = now
        self._chunk_size = ChunkSize(is_sqlite=database.is_sqlite)

    def __call__(self, claims: Sequence[Claim], should_stop: Callable[[], bool] = lambda: False) -> None:
        """Process claimed notifications, and release the claims of those that were not finished.

        Stops between two batches once `should_stop()` is true. Raises `Unavailable` without a database.
        """
        unfinished_claims = {claim.job_id: claim for claim in claims}
        renewed_at = time.monotonic()
        try:
            for batch in batches(self._load(claims, unfinished_claims), lambda: self._chunk_size.value):
                if should_stop():
                    break
                if time.monotonic() - renewed_at > RENEW_INTERVAL_SECONDS:
                    self._renew(unfinished_claims)
                    renewed_at = time.monotonic()
                self._store_or_isolate(batch)
                for notification in batch.finished:
                    unfinished_claims.pop(notification.claim.job_id)
        except jobs.ClaimLost:
            logger.warning(
                "claim lost; another worker has the notifications", extra={"count": len(unfinished_claims)}
            )
        except Unavailable:
            self._give_back(unfinished_claims, "the database was not available")
            raise
        except Exception as error:
            self._give_back(unfinished_claims, f"it failed with {type(error).__name__}")
            raise
        if unfinished_claims:
            self._give_back(unfinished_claims, None)

    def _load(self, claims: Sequence[Claim], unfinished_claims: dict[int, Claim]) -> list[NotificationWork]:
        with self._database.read() as session:
            rows = notifications.rows_of(session, [claim.subject_id for claim in claims])
        orphaned = [claim for claim in claims if claim.subject_id not in rows]
        if orphaned:  # the notification was deleted meanwhile
            with self._database.write() as session:
                jobs.finish(session, orphaned)
            for claim in orphaned:
                unfinished_claims.pop(claim.job_id)
        return [parse(claim, rows[claim.subject_id]) for claim in claims if claim.subject_id in rows]

    def _renew(self, unfinished_claims: dict[int, Claim]) -> None:
        """Extend the leases of claims whose batch has not come yet; large notifications before them may take long."""
        with self._database.write() as session:
            jobs.renew(session, list(unfinished_claims.values()), self._now() + LEASE)

    def _store_or_isolate(self, batch: Batch) -> None:
        try:
            self._store(batch)
        except (Unavailable, jobs.ClaimLost):
            raise
        except Exception as error:
            # One item of the batch cannot be stored; drivers raise errors of any kind for values that they cannot
            # write. Stored one by one, each item is either written or set aside.
            extra = {"count": len(batch.work_items), "error": type(error).__name__}
            logger.warning("storing items one by one", extra=extra)
            for work_item in batch.work_items:
                self._store_alone(work_item)
            self._store(Batch([], batch.finished))
        self._report(batch.finished)

    def _store_alone(self, work_item: WorkItem) -> None:
        alone = Batch([work_item], [])
        try:
            self._store(alone)
        except (Unavailable, jobs.ClaimLost):
            raise
        except Exception as error:
            reason = f"storing it failed with {type(error).__name__}"
            self._store(alone, set_aside=reason)

    def _store(self, batch: Batch, set_aside: str | None = None) -> None:
        while True:
            try:
                self._store_once(batch, set_aside)
                return
            except StaleChangeSet:
                continue

    def _store_once(self, batch: Batch, set_aside: str | None) -> None:
        now = self._now()
        known = self._load_stored_state(batch.work_items, now)
        changes = build_change_set(batch.work_items, known, self._directory.current, now, self._options, set_aside)
        with self._database.write() as session:
            started = time.thread_time()
            taken = write(session, batch, changes, now + LEASE, self._log.append)
            outcomes = _outcomes_by_notification(batch, changes, [pending.work_item for pending in taken])
            for notification in batch.finished:
                for number, outcome in outcomes.get(id(notification), []):
                    notification.count(number, outcome)
                if notification.is_repeated:
                    notification.recount(events.count_by_number(session, notification.id))
            if batch.finished:
                notifications.finish(session, [notification.outcome(now) for notification in batch.finished])
            spent = time.thread_time() - started
        for pending in taken:
            if pending.report is not None:
                metrics.statuses.labels(_known_status(pending.report[1])).inc()
        for notification in batch.unfinished:
            for number, outcome in outcomes.get(id(notification), []):
                notification.count(number, outcome)
        self._chunk_size.note(spent, len(batch.work_items))

    def _load_stored_state(self, work_items: list[WorkItem], now: datetime) -> StoredState:
        people = [person for work_item in work_items for person in people_in(work_item)]
        wamids, ids = referenced_messages(work_items)
        with self._database.read() as session:
            realms = contacts.find_in_realms(session, lookup_aliases(people))
            rows = [*messages.rows_by_wamids(session, wamids), *messages.rows_of(session, ids).items()]
            people_of_rows = contacts.rows_of(session, {row.contact_id for _, row in rows if row.contact_id})
            found = [(name, messages.to_domain(row, people_of_rows.get(row.contact_id or ""))) for name, row in rows]
            outbound, handovers = lookups.conversations_of(session, realms, work_items)
            open_attempts = lookups.open_attempts(session, realms, work_items)
            changed = [
                (row.original_wamid, row.phone_number_id, Revision(row.wamid, row.timestamp, row.revoked, row.said))
                for row in revisions.of_wamids(session, revisable(work_items))
            ]
        resolvers = {realm: IdentityResolver.of(now, owners, realm) for realm, owners in realms.items()}
        return StoredState(resolvers, found, outbound, handovers, open_attempts, changed)

    def _report(self, finished: Sequence[NotificationWork]) -> None:
        """Count and log notifications that are finished."""
        now, totals = self._now(), Counter[tuple[str, str]]()
        lags: list[tuple[float, str]] = []
        for notification in finished:
            request_id = notification.claim.request_id or ""
            if not notification.is_repeated:
                lag = max((now - notification.received_at).total_seconds(), 0.0)
                lags.append((lag, request_id))
                traces.record(
                    "normalise", request_id, lag, notification_id=notification.id, items=len(notification.items)
                )  # fmt: skip
            for number, counts in notification.tallies.items():
                for outcome, count in counts.items():
                    totals[number, outcome] += count
            _log(notification, request_id)
        metrics_exemplars.observe_all(metrics.process_lag_seconds, lags)
        for (number, outcome), count in totals.items():
            name = number if self._directory.current.find(number) is not None else "other"
            metrics.items_processed.labels(outcome).inc(count)
            metrics.number_items.labels(name, outcome).inc(count)

    def _give_back(self, unfinished_claims: dict[int, Claim], reason: str | None) -> None:
        """Release claims: due at once, or, with the `reason` of a failure, after the delay for their attempt."""
        try:
            with self._database.write() as session:
                for claim in unfinished_claims.values():
                    pause = RETRY_DELAYS[min(claim.attempts, len(RETRY_DELAYS)) - 1] if reason else 0
                    jobs.release(session, [claim], self._now() + timedelta(seconds=pause), reason)
        except Unavailable:
            logger.warning(
                "jobs could not be given back; their leases will run out", extra={"count": len(unfinished_claims)}
            )


def _log(notification: NotificationWork, request_id: str) -> None:
    is_aside = any(counts.get(name) for counts in notification.tallies.values() for name in ("parked", "quarantined"))
    level = logging.WARNING if is_aside else logging.DEBUG
    if logger.isEnabledFor(level):
        token = request_id_var.set(request_id)
        extra = {"notification_id": notification.id, "count": len(notification.items)}
        logger.log(level, "some items were set aside" if is_aside else "notification processed", extra=extra)
        request_id_var.reset(token)


def _known_status(status: str) -> str:
    return status if status in metrics.STATUSES else "other"


def _outcomes_by_notification(
    batch: Batch, changes: ChangeSet, taken: list[WorkItem]
) -> dict[int, list[tuple[str | None, str]]]:
    """Return the phone number id and outcome of each item, by `id()` of its notification."""
    processed = {(id(work_item.notification), work_item.item.position) for work_item in taken}
    aside = {(row["notification_id"], row["position"]): row["state"] for row in changes.set_aside}
    outcomes: dict[int, list[tuple[str | None, str]]] = {}
    for work_item in batch.work_items:
        outcome = aside.get((work_item.notification.id, work_item.item.position))
        if outcome is None:
            outcome = (
                "processed" if (id(work_item.notification), work_item.item.position) in processed else "duplicate"
            )
        outcomes.setdefault(id(work_item.notification), []).append((work_item.item.phone_number_id, outcome))
    return outcomes
