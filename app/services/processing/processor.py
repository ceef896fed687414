"""Leads claimed notifications through reading, planning and writing."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from app import metrics
from app.db.batch_size import ChunkSize
from app.db.database import Database
from app.domain.messages import Revision
from app.errors import Unavailable
from app.logs import get_logger, request_id_var
from app.services.contacts.identity import ContactBook, all_aliases
from app.services.events.log import EventLog
from app.services.processing import lookups
from app.services.processing.change_set import Known, Plan, Rules
from app.services.processing.planning import make_plan, names_of_messages, people_of, revisable
from app.services.processing.work import Chunk, Entry, Reading, chunks, read
from app.services.processing.write import PlanTooOld, write
from app.services.registries.numbers import NumberDirectory
from app.store import contacts, events, jobs, messages, notifications, revisions
from app.store.jobs import Claim

LEASE = timedelta(seconds=15)
"""How long a worker that died keeps its work from others. Renewed with every chunk."""

RENEW_SECONDS = 5.0
"""How often the claims that wait are renewed, well within their lease."""

RETRY_PAUSES = (1, 2, 5, 10)
"""Seconds before a notification that could not be worked on is tried again. Its contacts' later ones wait as long."""

logger = get_logger(__name__)


class ProcessNotifications:
    """Reads kept notifications into messages, statuses, contacts and events, every item exactly once.

    May be killed at any moment and called again with the same notifications: unique keys remember what was done.
    """

    def __init__(
        self,
        database: Database,
        directory: NumberDirectory,
        log: EventLog,
        now: Callable[[], datetime],
        rules: Rules,
    ) -> None:
        self._rules = rules
        self._database = database
        self._directory = directory
        self._log = log
        self._now = now
        self._chunk_size = ChunkSize(is_sqlite=database.is_sqlite)

    def __call__(self, claims: Sequence[Claim], should_stop: Callable[[], bool] = lambda: False) -> None:
        """Work through claimed notifications; those not finished (stopping, no database) are given back."""
        left = {claim.job_id: claim for claim in claims}
        renewed_at = time.monotonic()
        try:
            for chunk in chunks(self._read(claims, left), lambda: self._chunk_size.value):
                if should_stop():
                    break
                if time.monotonic() - renewed_at > RENEW_SECONDS:
                    self._renew(left)
                    renewed_at = time.monotonic()
                self._take_in(chunk)
                for reading in chunk.finished:
                    left.pop(reading.claim.job_id)
        except jobs.ClaimLost:
            logger.warning("claim lost; another worker has the notifications", extra={"count": len(left)})
        except Unavailable:
            self._give_back(left, "the database was not available")
            raise
        except Exception as error:
            self._give_back(left, f"it failed with {type(error).__name__}")
            raise
        if left:
            self._give_back(left, None)

    def _read(self, claims: Sequence[Claim], left: dict[int, Claim]) -> list[Reading]:
        with self._database.read() as session:
            rows = notifications.rows_of(session, [claim.subject_id for claim in claims])
        pointless = [claim for claim in claims if claim.subject_id not in rows]
        if pointless:  # the notification was deleted meanwhile
            with self._database.write() as session:
                jobs.finish(session, pointless)
            for claim in pointless:
                left.pop(claim.job_id)
        return [read(claim, rows[claim.subject_id]) for claim in claims if claim.subject_id in rows]

    def _renew(self, left: dict[int, Claim]) -> None:
        """Keep the claims that still wait for their turn, since large notifications before them may take long."""
        with self._database.write() as session:
            jobs.renew(session, list(left.values()), self._now() + LEASE)

    def _take_in(self, chunk: Chunk) -> None:
        try:
            self._store(chunk)
        except (Unavailable, jobs.ClaimLost):
            raise
        except Exception as error:
            # Something in here is more than we or the database can take: drivers raise errors of any kind for a value
            # they cannot write. Alone, each item either passes or is set aside.
            extra = {"count": len(chunk.entries), "error": type(error).__name__}
            logger.warning("storing items one by one", extra=extra)
            for entry in chunk.entries:
                self._store_alone(entry)
            self._store(Chunk([], chunk.finished))
        for reading in chunk.finished:
            self._tell(reading)

    def _store_alone(self, entry: Entry) -> None:
        alone = Chunk([entry], [])
        try:
            self._store(alone)
        except (Unavailable, jobs.ClaimLost):
            raise
        except Exception as error:
            reason = f"storing it failed with {type(error).__name__}"
            self._store(alone, set_aside=reason)

    def _store(self, chunk: Chunk, set_aside: str | None = None) -> None:
        while True:
            try:
                self._store_once(chunk, set_aside)
                return
            except PlanTooOld:
                continue

    def _store_once(self, chunk: Chunk, set_aside: str | None) -> None:
        now = self._now()
        known = self._look_up(chunk.entries, now)
        plan = make_plan(chunk.entries, known, self._directory.current, now, self._rules, set_aside)
        with self._database.write() as session:
            started = time.perf_counter()
            taken = write(session, chunk, plan, now + LEASE, self._log.append)
            books = _books(chunk, plan, [step.entry for step in taken])
            for reading in chunk.finished:
                for number, outcome in books.get(id(reading), []):
                    reading.count(number, outcome)
                if reading.is_repeated:
                    reading.recount(events.count_by_number(session, reading.notification_id))
            if chunk.finished:
                notifications.finish(session, [reading.outcome(now) for reading in chunk.finished])
            spent = time.perf_counter() - started
        for reading in chunk.unfinished:
            for number, outcome in books.get(id(reading), []):
                reading.count(number, outcome)
        self._chunk_size.note(spent, len(chunk.entries))

    def _look_up(self, entries: list[Entry], now: datetime) -> Known:
        people = [person for entry in entries for person in people_of(entry)]
        wamids, ids = names_of_messages(entries)
        with self._database.read() as session:
            realms = contacts.find_in_realms(session, all_aliases(people))
            rows = [*messages.rows_by_wamids(session, wamids), *messages.rows_of(session, ids).items()]
            people_of_rows = contacts.rows_of(session, {row.contact_id for _, row in rows if row.contact_id})
            found = [(name, messages.to_domain(row, people_of_rows.get(row.contact_id or ""))) for name, row in rows]
            outbound, handovers = lookups.look_up(session, realms, entries)
            tries = lookups.open_tries(session, realms, entries)
            changed = [
                (row.original_wamid, row.phone_number_id, Revision(row.wamid, row.timestamp, row.revoked, row.said))
                for row in revisions.of_wamids(session, revisable(entries))
            ]
        books = {realm: ContactBook.of(now, owners, realm) for realm, owners in realms.items()}
        return Known(books, found, outbound, handovers, tries, changed)

    def _tell(self, reading: Reading) -> None:
        if not reading.is_repeated:
            lag = (self._now() - reading.received_at).total_seconds()
            metrics.process_lag_seconds.observe(max(lag, 0.0))
        totals: dict[str, int] = {}
        for page in reading.books.values():
            for outcome, count in page.items():
                totals[outcome] = totals.get(outcome, 0) + count
                metrics.items_processed.labels(outcome).inc(count)
        extra = {"notification_id": reading.notification_id, "count": len(reading.items)}
        token = request_id_var.set(reading.claim.request_id or "")
        if totals.keys() & {"parked", "quarantined"}:
            logger.warning("some items were set aside", extra=extra)
        else:
            logger.debug("notification processed", extra=extra)
        request_id_var.reset(token)

    def _give_back(self, left: dict[int, Claim], reason: str | None) -> None:
        """Let others take the work now; or, after a failure, later and later."""
        try:
            with self._database.write() as session:
                for claim in left.values():
                    pause = RETRY_PAUSES[min(claim.attempts, len(RETRY_PAUSES)) - 1] if reason else 0
                    jobs.give_back(session, [claim], self._now() + timedelta(seconds=pause), reason)
        except Unavailable:
            logger.warning("jobs could not be given back; their leases will run out", extra={"count": len(left)})


def _books(chunk: Chunk, plan: Plan, taken: list[Entry]) -> dict[int, list[tuple[str | None, str]]]:
    """What became of each entry, by reading."""
    processed = {(id(entry.reading), entry.item.position) for entry in taken}
    aside = {(row["notification_id"], row["position"]): row["state"] for row in plan.aside}
    books: dict[int, list[tuple[str | None, str]]] = {}
    for entry in chunk.entries:
        outcome = aside.get((entry.reading.notification_id, entry.item.position))
        if outcome is None:
            outcome = "processed" if (id(entry.reading), entry.item.position) in processed else "duplicate"
        books.setdefault(id(entry.reading), []).append((entry.item.phone_number_id, outcome))
    return books
