"""Collect everything that happened to one message, in order of time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from app.db.database import Database
from app.domain.endpoints import State
from app.errors import NotFound
from app.models import Event, Message, MessageRevision, SendAttempt, StatusReport
from app.store import delivery_list, messages, revisions, timeline


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happened, at a time of our own clock.

    `what` is `received` (by webhook; `app` signed it), `processed` (that webhook was turned into rows), `asked` (a
    caller requested it), `attempt_started`, `attempt_finished`, `status` (Meta reported one; `timestamp` is Meta's
    time), `edited` or `revoked` (`previous` holds the earlier text), `event` (one of type `type` was appended),
    `delivery_attempt` (that event was posted to an app, which took `duration_ms`) or `delivery` (its delivery ended
    without success, or is still `pending` and due at `due_at`, with the reason). `note` of a `delivery_attempt` says
    why the app's reply was not sent to the customer, or only in part.
    """

    at: datetime
    what: str
    status: str | None = None
    attempt: int | None = None
    message_id: str | None = None
    timestamp: datetime | None = None
    recipient: str | None = None
    message: str | None = None
    previous: str | None = None
    error: dict[str, Any] | None = None
    pricing: dict[str, Any] | None = None
    type: str | None = None
    event_id: str | None = None
    notification_id: str | None = None
    endpoint_id: str | None = None
    note: str | None = None
    delivery_id: int | None = None
    duration_ms: int | None = None
    due_at: datetime | None = None
    app: str | None = None


def read_timeline(database: Database, message_id: str, numbers: tuple[str, ...] | None) -> list[Happening]:
    """Return what happened to a message, oldest first. Raises `NotFound`, also for a number outside `numbers`."""
    with database.read() as session:
        row = messages.find(session, message_id, numbers) if "\x00" not in message_id else None
        if row is None:
            raise NotFound("No message has this id.")
        happenings = list(_beginning(row, _signer(session, row)))
        for attempt in timeline.attempts_at(session, row.id):
            happenings.extend(_attempt(attempt))
        happenings.extend(_report(report) for report in timeline.reports_on(session, row.id))
        happenings.extend(_revision(revision) for revision in revisions.of_message(session, row.id))
        events = timeline.events_about(session, row.id)
        happenings.extend(_event(event) for event in events)
        happenings.extend(_deliveries(session, events))
    # The sort is stable: at the same time, a cause stays before its effect.
    return sorted(happenings, key=lambda happening: happening.at)


def _signer(session: Session, row: Message) -> timeline.Signer | None:
    return timeline.signer_of(session, row.notification_id) if row.notification_id is not None else None


def _beginning(row: Message, signer: timeline.Signer | None) -> Iterator[Happening]:
    if row.notification_id is None:
        yield Happening(row.received_at, "asked", timestamp=row.timestamp)
        return
    origin = row.notification_id
    app = signer.app if signer else None
    yield Happening(row.received_at, "received", notification_id=origin, timestamp=row.timestamp, app=app)
    if signer is not None and signer.processed_at is not None:
        yield Happening(signer.processed_at, "processed", notification_id=origin)


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


def _revision(revision: MessageRevision) -> Happening:
    return Happening(
        revision.received_at,
        "revoked" if revision.revoked else "edited",
        message_id=revision.wamid,
        timestamp=revision.timestamp,
        message=(revision.said or {}).get("message"),
        previous=(revision.previous or {}).get("message"),
        notification_id=revision.notification_id,
    )


def _deliveries(session: Session, events: Sequence[Event]) -> Iterator[Happening]:
    types = {event.id: event.type for event in events}
    owed = {row.id: row for row in delivery_list.about(session, types)} if types else {}
    for attempt in delivery_list.attempts_at(session, owed) if owed else ():
        row = owed[attempt.delivery_id]
        is_success = attempt.error is None and attempt.status is not None and 200 <= attempt.status < 300
        yield Happening(
            attempt.started_at + timedelta(milliseconds=attempt.duration_ms),
            "delivery_attempt",
            status="delivered" if is_success else "failed",
            attempt=attempt.number,
            error=None if is_success else {"http_status": attempt.status, "details": attempt.error},
            type=types[row.event_id],
            event_id=row.event_id,
            endpoint_id=row.endpoint_id,
            note=attempt.note,
            delivery_id=row.id,
            duration_ms=attempt.duration_ms,
        )
    for row in owed.values():
        if row.state != State.DELIVERED:
            yield Happening(
                row.finished_at or row.created_at, "delivery", status=row.state,
                error={"details": row.reason} if row.reason else None,
                type=types[row.event_id], event_id=row.event_id, endpoint_id=row.endpoint_id, delivery_id=row.id,
                due_at=row.due_at,
            )  # fmt: skip


def _event(event: Event) -> Happening:
    return Happening(
        event.created_at,
        "event",
        timestamp=event.timestamp,
        type=event.type,
        event_id=event.id,
        notification_id=event.notification_id,
    )
