"""Count rows of the tables that grow, batch by batch, for the counts of `store.traffic`."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Double, func, literal_column, select
from sqlalchemy.orm import Session

from app.domain.latencies import BOUNDS, DELIVERED, PROCESSED, SENT, bucket_of
from app.models import Delivery, DeliveryAttempt, Event, Message, SendAttempt, StatusReport
from app.models.base import UtcDateTime
from app.store.traffic import TrafficCount

BATCH_SIZE = 5_000
"""Rows counted at once."""

Counted = tuple[list[TrafficCount], int]
"""The counts of a batch of rows, and the number of its last row."""


def of_events(session: Session, after: int) -> Counted:
    """Count the events after a sequence, by type; those of imported history as `history`. Their duration is the time
    from the webhook's receipt to the event's creation."""
    last = session.scalar(select(func.max(Event.sequence))) or 0
    until = min(last, after + BATCH_SIZE)
    if until <= after:
        return [], after
    what = "CASE WHEN events.source = 'history' THEN 'history' ELSE events.type END"
    numbered = (Event.sequence > after, Event.sequence <= until)
    found = _grouped(session, "events", what, numbered, "created_at")
    return [_timed(each) for each in found], until


def _timed(each: TrafficCount) -> TrafficCount:
    is_from_meta = each.what != "history" and not each.what.startswith("gateway.")
    return replace(each, latency=PROCESSED) if is_from_meta else each


def of_reports(session: Session, after: int) -> Counted:
    """Count the status reports after an id, as `status.<status>`."""
    last = session.scalar(select(func.max(StatusReport.id))) or 0
    until = min(last, after + BATCH_SIZE)
    if until <= after:
        return [], after
    numbered = (StatusReport.id > after, StatusReport.id <= until)
    return _grouped(session, "status_reports", "'status.' || status_reports.status", numbered, "received_at"), until


def of_attempts(session: Session, after: int, last: int) -> Counted:
    """Count the send attempts after an id up to `last`, as `send.<state>`, up to the first that is under way."""
    query = (
        select(SendAttempt.id, SendAttempt.state, SendAttempt.started_at, SendAttempt.finished_at)
        .add_columns(Message.phone_number_id)
        .join(Message, Message.id == SendAttempt.message_id)
        .where(SendAttempt.id > after, SendAttempt.id <= last)
        .order_by(SendAttempt.id)
        .limit(BATCH_SIZE)
    )
    found: list[TrafficCount] = []
    for attempt_id, state, started_at, finished_at, number in session.execute(query):
        if state == "sending":
            break
        took = max((finished_at - started_at).total_seconds(), 0.0) if finished_at else 0.0
        found.append(TrafficCount(started_at, number, f"send.{state}", 1, took, took, SENT, bucket_of(took)))
        after = attempt_id
    return found, after


def of_deliveries(session: Session, after: int, last: int) -> Counted:
    """Count the attempts at deliveries after an id up to `last`, as `delivery.delivered` or `delivery.failed`. The
    duration of a success is the time from the webhook's receipt to the app's answer."""
    until = min(last, after + BATCH_SIZE)
    if until <= after:
        return [], after
    query = (
        select(DeliveryAttempt.started_at, DeliveryAttempt.duration_ms, DeliveryAttempt.status, DeliveryAttempt.error)
        .add_columns(Delivery.is_replay, Event.phone_number_id, Event.received_at)
        .join(Delivery, Delivery.id == DeliveryAttempt.delivery_id)
        .join(Event, Event.id == Delivery.event_id)
        .where(DeliveryAttempt.id > after, DeliveryAttempt.id <= until)
    )
    return [_delivery(*row) for row in session.execute(query)], until


def _delivery(
    started_at: datetime, took_ms: int, status: int | None, error: str | None, is_replay: bool, number: str | None,
    received_at: datetime,
) -> TrafficCount:  # fmt: skip
    if error is not None or status is None or not 200 <= status < 300:
        return TrafficCount(started_at, number or "", "delivery.failed")
    took = max((started_at + timedelta(milliseconds=took_ms) - received_at).total_seconds(), 0.0)
    if is_replay:
        return TrafficCount(started_at, number or "", "delivery.delivered")
    return TrafficCount(started_at, number or "", "delivery.delivered", 1, took, took, DELIVERED, bucket_of(took))


def _grouped(
    session: Session, source: str, what: str, numbered: tuple[ColumnElement[bool], ...], end: str
) -> list[TrafficCount]:
    """Count rows by number, minute and kind. Their duration is the time from `received_at` to the column `end`."""
    start, end = f"{source}.received_at", f"{source}.{end}"
    if session.get_bind().dialect.name == "sqlite":
        minute, took = f"{start} / 60000000", f"({end} - {start}) / 1000000.0"
    else:
        minute = f"date_trunc('minute', {start})"
        took = f"CAST(extract(epoch FROM {end} - {start}) AS double precision)"
    number = f"coalesce({source}.phone_number_id, '')"
    keys: list[Any] = [literal_column(key) for key in (minute, number, what, _bucket(took))]
    at: Any = literal_column(f"min({start})", UtcDateTime())
    seconds: Any = literal_column(took, Double())
    query = select(at, *keys[1:], func.count(), func.sum(seconds), func.max(seconds)).where(*numbered).group_by(*keys)
    found = session.execute(query.select_from(Event if source == "events" else StatusReport))
    return [
        TrafficCount(*row[:3], row[4], max(row[5], 0.0), max(row[6], 0.0), bucket=row[3]) for row in found
    ]


def _bucket(took: str) -> str:
    """Return SQL for `domain.latencies.bucket_of` of the seconds that the SQL `took` computes."""
    tests = " ".join(f"WHEN {took} <= {bound} THEN {bucket}" for bucket, bound in enumerate(BOUNDS))
    return f"CASE {tests} ELSE {len(BOUNDS)} END"
