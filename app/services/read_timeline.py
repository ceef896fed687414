"""Everything that happened to one message."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.database import Database
from app.errors import NotFound
from app.models import Event, Message, SendAttempt, StatusReport
from app.store import messages, timeline


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happened, when it did so by our own clock.

    `what` is `received` (the webhook came), `asked` (by a caller), `attempt_started`, `attempt_finished`, `status`
    (Meta reported one; `timestamp` is Meta's own time) or `event` (it was told of, as `type`).
    """

    at: datetime
    what: str
    status: str | None = None
    attempt: int | None = None
    message_id: str | None = None
    timestamp: datetime | None = None
    recipient: str | None = None
    error: dict[str, Any] | None = None
    pricing: dict[str, Any] | None = None
    type: str | None = None
    event_id: str | None = None
    notification_id: str | None = None


def read_timeline(database: Database, message_id: str, numbers: tuple[str, ...] | None) -> list[Happening]:
    """What happened to a message, oldest first. Raises `NotFound`, also for one of a number outside `numbers`."""
    with database.read() as session:
        row = messages.find(session, message_id, numbers) if "\x00" not in message_id else None
        if row is None:
            raise NotFound("No message has this id.")
        happenings = [_beginning(row)]
        for attempt in timeline.attempts_at(session, row.id):
            happenings.extend(_attempt(attempt))
        happenings.extend(_report(report) for report in timeline.reports_on(session, row.id))
        happenings.extend(_event(event) for event in timeline.events_about(session, row.id))
    # What happened at the same moment stays in this order: a cause before what it led to.
    return sorted(happenings, key=lambda happening: happening.at)


def _beginning(row: Message) -> Happening:
    what = "asked" if row.notification_id is None else "received"
    return Happening(row.received_at, what, notification_id=row.notification_id, timestamp=row.timestamp)


def _attempt(attempt: SendAttempt) -> Iterator[Happening]:
    yield Happening(attempt.started_at, "attempt_started", attempt=attempt.number)
    if attempt.finished_at is not None:
        yield Happening(
            attempt.finished_at,
            "attempt_finished",
            status=attempt.state,
            attempt=attempt.number,
            message_id=attempt.wamid,
            error=attempt.error,
        )


def _report(report: StatusReport) -> Happening:
    return Happening(
        report.received_at,
        "status",
        status=report.status,
        message_id=report.wamid,
        timestamp=report.timestamp,
        recipient=report.participant or None,
        error=report.error,
        pricing=report.pricing,
        notification_id=report.notification_id,
    )


def _event(event: Event) -> Happening:
    return Happening(
        event.created_at,
        "event",
        timestamp=event.timestamp,
        type=event.type,
        event_id=event.id,
        notification_id=event.notification_id,
    )
