"""One notification being worked through: its items, and the books on what became of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.domain.notifications import Item, Unreadable
from app.domain.numbers import Directory
from app.errors import Malformed
from app.schemas.notification import read_notification
from app.store.jobs import Claim

Books = dict[str, dict[str, int]]


@dataclass(slots=True)
class Reading:
    """A notification's items, and what has been done with them so far. `is_repeated`: it was begun before."""

    claim: Claim
    notification_id: str
    received_at: datetime
    app: str
    items: list[Item]
    reason: str | None = None
    is_repeated: bool = False
    books: Books = field(default_factory=dict)

    def count(self, number: str | None, outcome: str) -> None:
        """Enter one item in the books."""
        page = self.books.setdefault(number or "", {})
        page[outcome] = page.get(outcome, 0) + 1

    def recount(self, processed: dict[str, int]) -> None:
        """Correct the books of a repeated reading: what its own first reading stored is no duplicate."""
        for number, count in processed.items():
            page = self.books.setdefault(number, {})
            total = page.get("processed", 0) + page.get("duplicate", 0)
            page["processed"], page["duplicate"] = count, total - count

    def outcome(self, now: datetime) -> dict[str, Any]:
        """The notification's final state."""
        totals = {name for page in self.books.values() for name, count in page.items() if count}
        state = next((name for name in ("parked", "quarantined") if name in totals), "processed")
        return {
            "id": self.notification_id,
            "state": state,
            "reason": self.reason,
            "processed_at": now,
            "items": len(self.items),
            "books": {number: {k: v for k, v in page.items() if v} for number, page in self.books.items()},
        }


@dataclass(frozen=True, slots=True)
class Entry:
    """One item of a reading."""

    reading: Reading
    item: Item


def read(claim: Claim, row: Any) -> Reading:
    """Read a row of `notifications.rows_of`. Never raises: bytes that are no notification become one item that cannot
    be read."""
    reason = None
    try:
        items = read_notification(row.raw, row.received_at)
    except Malformed as error:
        reason = error.message
        items = [Item(0, "", Unreadable(reason))]
    is_repeated = claim.attempts > 1 or row.processed_at is not None  # a replay's job is at its first attempt
    return Reading(claim, row.id, row.received_at, row.verified_by, items, reason, is_repeated)


def is_vouched_for(entry: Entry, directory: Directory) -> bool:
    """Whether the app that signed the notification may speak for the item's number."""
    return directory.vouches(entry.reading.app, entry.item.phone_number_id, entry.item.waba_id)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Items to be stored in one transaction, and the readings that are complete with it."""

    entries: list[Entry]
    finished: list[Reading]

    @property
    def begun_again(self) -> list[str]:
        """The notifications whose repeated readings begin here."""
        firsts = (entry for entry in self.entries if entry.item is entry.reading.items[0])
        return [entry.reading.notification_id for entry in firsts if entry.reading.is_repeated]

    @property
    def unfinished(self) -> list[Reading]:
        """Readings with items here that have more elsewhere."""
        done = {id(reading) for reading in self.finished}
        others = {id(entry.reading): entry.reading for entry in self.entries if id(entry.reading) not in done}
        return list(others.values())


def chunks(readings: list[Reading], limit: Callable[[], int]) -> Iterator[Chunk]:
    """Cut the items of many readings, in order, into chunks of at most `limit()` items, asked for each chunk anew."""
    entries: list[Entry] = []
    finished: list[Reading] = []
    for reading in readings:
        for item in reading.items:
            if len(entries) >= limit():
                yield Chunk(entries, finished)
                entries, finished = [], []
            entries.append(Entry(reading, item))
        finished.append(reading)
    if entries or finished:
        yield Chunk(entries, finished)
