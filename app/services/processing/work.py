"""Notifications in progress: their items, cut into batches, and the tallies of their outcomes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.domain.notifications import Item, Unreadable
from app.domain.numbers import Directory
from app.errors import Malformed
from app.schemas.notification import parse_notification
from app.store.jobs import Claim

Tallies = dict[str, dict[str, int]]
"""Counts by phone number id ("" for items of no number) and outcome (`processed`, `duplicate`, `parked`, …)."""


@dataclass(slots=True)
class NotificationWork:
    """A claimed notification, its items, and their outcomes so far.

    `app` signed it. `reason` says why it could not be parsed. `is_repeated`: an earlier run may have stored some items.
    """

    claim: Claim
    id: str
    received_at: datetime
    app: str
    items: list[Item]
    reason: str | None = None
    is_repeated: bool = False
    tallies: Tallies = field(default_factory=dict)

    def count(self, number: str | None, outcome: str) -> None:
        """Count one item's outcome."""
        counts = self.tallies.setdefault(number or "", {})
        counts[outcome] = counts.get(outcome, 0) + 1

    def recount(self, processed: dict[str, int]) -> None:
        """Correct the tallies of a repeated run: items that an earlier run of this notification stored are processed,
        not duplicates. `processed` counts them by phone number id."""
        for number, count in processed.items():
            counts = self.tallies.setdefault(number, {})
            total = counts.get("processed", 0) + counts.get("duplicate", 0)
            counts["processed"], counts["duplicate"] = count, total - count

    def outcome(self, now: datetime) -> dict[str, Any]:
        """Return the columns that finish the notification (see `store.notifications.finish`)."""
        totals = {name for counts in self.tallies.values() for name, count in counts.items() if count}
        state = next((name for name in ("parked", "quarantined") if name in totals), "processed")
        return {
            "id": self.id,
            "state": state,
            "reason": self.reason,
            "processed_at": now,
            "items": len(self.items),
            "books": {number: {k: v for k, v in counts.items() if v} for number, counts in self.tallies.items()},
        }


@dataclass(frozen=True, slots=True)
class WorkItem:
    """One item of a notification in progress."""

    notification: NotificationWork
    item: Item


def parse(claim: Claim, row: Any) -> NotificationWork:
    """Parse a row of `notifications.rows_of`. Never raises: bytes that are not a notification become one `Unreadable`
    item."""
    reason = None
    try:
        items = parse_notification(row.raw, row.received_at)
    except Malformed as error:
        reason = error.message
        items = [Item(0, "", Unreadable(reason))]
    is_repeated = claim.attempts > 1 or row.processed_at is not None  # the job of a replay starts at attempt 1
    return NotificationWork(claim, row.id, row.received_at, row.verified_by, items, reason, is_repeated)


def is_authorised(work_item: WorkItem, directory: Directory) -> bool:
    """Whether the app that signed the notification may speak for the item's number."""
    return directory.is_authorised_for(
        work_item.notification.app, work_item.item.phone_number_id, work_item.item.waba_id
    )


@dataclass(frozen=True, slots=True)
class Batch:
    """Items to store in one transaction, and the notifications whose last item is among them."""

    work_items: list[WorkItem]
    finished: list[NotificationWork]

    @property
    def restarted(self) -> list[str]:
        """Return the ids of repeated notifications whose first item is in this batch."""
        firsts = (work_item for work_item in self.work_items if work_item.item is work_item.notification.items[0])
        return [work_item.notification.id for work_item in firsts if work_item.notification.is_repeated]

    @property
    def unfinished(self) -> list[NotificationWork]:
        """Return the notifications with items in this batch that have more items in a later one."""
        done = {id(notification) for notification in self.finished}
        all_here = {id(work_item.notification): work_item.notification for work_item in self.work_items}
        return [notification for key, notification in all_here.items() if key not in done]


def batches(notifications: list[NotificationWork], limit: Callable[[], int]) -> Iterator[Batch]:
    """Yield the items of all notifications, in order, in batches of at most `limit()` items, which is called for each
    batch because the limit adapts to the time that batches take."""
    work_items: list[WorkItem] = []
    finished: list[NotificationWork] = []
    for notification in notifications:
        for item in notification.items:
            if len(work_items) >= limit():
                yield Batch(work_items, finished)
                work_items, finished = [], []
            work_items.append(WorkItem(notification, item))
        finished.append(notification)
    if work_items or finished:
        yield Batch(work_items, finished)
