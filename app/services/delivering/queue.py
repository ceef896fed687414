"""The delivery queue as a worker uses it: find due deliveries, claim them, and record results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from app.db.database import Database
from app.services.delivering.claim import LEASE, Claimed, claim, find_due, load
from app.services.delivering.count_results import count
from app.services.delivering.record_results import ResultRecorder
from app.services.delivering.types import ClaimRequest, DeliveryBatch, DeliveryResult, DueDeliveries
from app.services.delivering.unblock import Unblocker
from app.services.registries import EndpointDirectory
from app.store import deliveries
from app.store.deliveries import DeliveryClaim


class DeliveryQueue:
    """Used by the delivery loop of one worker. Every method raises `Unavailable` when the database cannot be used."""

    def __init__(self, database: Database, directory: EndpointDirectory, now: Callable[[], datetime]) -> None:
        self._database = database
        self._directory = directory
        self._now = now
        self._unblocker = Unblocker(database, now)
        self._record = ResultRecorder(self._unblocker)

    def find_due(self, requests: Sequence[ClaimRequest], *, is_busy: bool = False) -> list[DueDeliveries]:
        """Find due deliveries for these requests, at most `limit` each. Takes no lock.

        `is_busy`: deliveries are under way, so that others are likely to be due.
        """
        return find_due(self._database, requests, self._now(), is_busy=is_busy)

    def exchange(self, results: Sequence[DeliveryResult], due: Sequence[DueDeliveries]) -> Claimed:
        """Record results and claim due deliveries in one transaction. Return the claims by endpoint.

        If it raises, nothing is recorded or claimed, and the results must be given to a later call.
        """
        now = self._now()
        with self._database.write() as session:
            changed = self._record(session, results, now) if results else set()
            claimed = claim(session, due, now, changed)
        count(results)
        if changed or any(each.is_probe for _, claims in claimed for each in claims):
            self._directory.forget()
        return claimed

    def load(self, claimed: Claimed) -> list[DeliveryBatch]:
        """Load the events of claimed deliveries, and the members of their batches."""
        return load(self._database, claimed)

    def renew(self, claims: Sequence[DeliveryClaim]) -> list[DeliveryClaim]:
        """Extend leases, and return the claims that were still this worker's."""
        with self._database.write() as session:
            return deliveries.renew(session, claims, self._now() + LEASE)

    def unblock(self) -> bool:
        """Make a batch of deliveries due whose endpoints answer again. Returns whether there was any."""
        return self._unblocker.work()
