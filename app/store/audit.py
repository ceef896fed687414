"""Queries of the audit, which reconciles the stored tallies with the rows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session, aliased

from app.models import Delivery, Event, Job, Message, Notification, ParkedItem, QueuedSend, StatusReport
from app.store.deliveries import is_unfinished

_PORTION = 1000


def count_notifications(session: Session) -> dict[str, int]:
    """Count the stored notifications by state. Meta got the answer 200 for each."""
    query = select(Notification.state, func.count()).group_by(Notification.state)
    return dict(session.execute(query).all())


def events_by_notification(session: Session) -> dict[str, int]:
    """Count the items of each notification that became events, by notification id."""
    items = func.count(Event.position.distinct())  # a replayed item may have two events
    query = select(Event.notification_id, items).where(Event.notification_id.is_not(None))
    return {str(key): count for key, count in session.execute(query.group_by(Event.notification_id))}


def aside_by_notification(session: Session) -> dict[str, int]:
    """Count the parked and quarantined items of each notification, by notification id."""
    query = select(ParkedItem.notification_id, func.count()).group_by(ParkedItem.notification_id)
    return dict(session.execute(query).all())


def processed_notifications(session: Session) -> Iterator[Any]:
    """Yield `id`, `received_at`, `items`, `books` (the tallies) and `is_pruned` of every processed notification."""
    query = select(
        Notification.id, Notification.received_at, Notification.items, Notification.books, Notification.is_pruned
    )
    yield from session.execute(query.where(Notification.state != "pending").execution_options(yield_per=_PORTION))


def pending_without_job(session: Session) -> list[str]:
    """Return the ids of pending notifications that have no job, so that no worker would process them."""
    waiting = exists().where(Job.kind == "process", Job.subject_id == Notification.id)
    return list(session.scalars(select(Notification.id).where(Notification.state == "pending", ~waiting)))


def queued_without_turn(session: Session) -> list[str]:
    """Return the ids of messages that are `queued` but not in the queue, so that no worker would send them."""
    waits = exists().where(QueuedSend.message_id == Message.id)
    lost = select(Message.id).where(Message.status == "queued", Message.direction == "outbound", ~waits)
    return list(session.scalars(lost))


def sends(session: Session) -> Iterator[tuple[datetime, str, str]]:
    """Yield request time, number and status of every outbound message that was requested through the gateway."""
    query = select(Message.received_at, Message.phone_number_id, Message.status).where(
        Message.direction == "outbound", Message.source == "live"
    )
    yield from session.execute(query.execution_options(yield_per=_PORTION))


def deliveries(session: Session) -> Iterator[tuple[datetime, str, str]]:
    """Yield creation time, endpoint id and state of every delivery."""
    query = select(Delivery.created_at, Delivery.endpoint_id, Delivery.state)
    yield from session.execute(query.execution_options(yield_per=_PORTION))


def deliveries_never_due(session: Session) -> list[int]:
    """Return ids of pending deliveries that have neither a `due_at` nor a pending leader: none is ever posted."""
    head = aliased(Delivery)
    is_carried = exists().where(head.id == Delivery.carried_by, is_unfinished(head), head.carried_by.is_(None))
    never = select(Delivery.id).where(Delivery.state == "pending", Delivery.due_at.is_(None), ~is_carried)
    return list(session.scalars(never))


def events_not_owed(session: Session, endpoint_id: str, since: datetime) -> Iterator[Event]:
    """Yield the events created since a time for which an endpoint has no delivery."""
    owed = exists().where(Delivery.event_id == Event.id, Delivery.endpoint_id == endpoint_id)
    query = select(Event).where(Event.created_at > since, ~owed)
    yield from session.scalars(query.execution_options(yield_per=_PORTION))


def raw_of_processed(session: Session) -> Iterator[tuple[str, bytes, datetime]]:
    """Yield id, raw body and receipt time of every notification that is not pending. An erased body is empty."""
    query = select(Notification.id, Notification.raw, Notification.received_at).where(Notification.state != "pending")
    yield from session.execute(query.execution_options(yield_per=100))


def positions_aside(session: Session, notification_id: str) -> set[int]:
    """Return the positions of a notification's items that were set aside."""
    return set(session.scalars(select(ParkedItem.position).where(ParkedItem.notification_id == notification_id)))


def count_messages(session: Session, wamid: str, phone_number_id: str | None) -> int:
    """Count the messages with this wamid of one number; None stands for messages without a number."""
    query = select(func.count()).where(Message.wamid == wamid, Message.phone_number_id == (phone_number_id or ""))
    return session.scalar(query) or 0


def has_report(session: Session, wamid: str, status: str, participant: str, phone_number_id: str | None) -> bool:
    """Return whether this status report is stored; None stands for reports without a number."""
    report = exists().where(
        StatusReport.wamid == wamid,
        StatusReport.status == status,
        StatusReport.participant == participant,
        StatusReport.phone_number_id == (phone_number_id or ""),
    )
    return bool(session.scalar(select(report)))
