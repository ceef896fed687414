"""Queries for work that does not move: it is due for long, and no worker finishes it. Each reads few rows."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import and_, exists, func, select
from sqlalchemy.orm import Session, aliased

from app.models import Delivery, Endpoint, Event, Job
from app.store.deliveries import is_pending, is_unfinished

_AT_MOST = 1000
_TRIES = 3
"""A webhook that was claimed this often and is not processed ends its worker, or the worker's connection."""


class Standing(NamedTuple):
    """Work that stands still: how many pieces, at most 1,000, and since when the first."""

    pieces: int
    since: datetime


def webhooks(session: Session, kind: str, before: datetime, idle_since: datetime) -> Standing | None:
    """Return the jobs of `kind`, if the oldest was made before a time and nothing moves; else None.

    Nothing moves: no event was written since `idle_since`; or the oldest was claimed again and again.
    """
    oldest = session.execute(
        select(Job.created_at, Job.attempts).where(Job.kind == kind).order_by(Job.id).limit(1)
    ).first()
    if oldest is None or oldest.created_at > before:
        return None
    last = session.scalar(select(Event.created_at).order_by(Event.sequence.desc()).limit(1))
    if oldest.attempts < _TRIES and last is not None and last > idle_since:
        return None
    few = select(Job.id).where(Job.kind == kind, Job.created_at <= before).limit(_AT_MOST)
    return Standing(session.scalar(select(func.count()).select_from(few.subquery())) or 0, oldest.created_at)


def deliveries(session: Session, before: datetime) -> dict[str, Standing]:
    """Return, by endpoint, deliveries that have been due since before a time and that no worker claims.

    Leaves out what may wait: for an endpoint that is off, paused or failing, and behind another of its contact.
    """
    is_on = Endpoint.paused.is_(False)
    usable = and_(
        Endpoint.removed_at.is_(None), Endpoint.disabled_at.is_(None), is_on, Endpoint.failures == 0
    )
    found = {}
    ahead = aliased(Delivery)
    for endpoint_id in session.scalars(select(Endpoint.id).where(usable)):
        is_behind = exists().where(
            ahead.contact_id == Delivery.contact_id, ahead.endpoint_id == endpoint_id, ahead.id < Delivery.id,
            is_unfinished(ahead), ahead.is_status == Delivery.is_status, ahead.blocks,
        )  # fmt: skip
        few = (
            select(Delivery.due_at)
            .where(Delivery.endpoint_id == endpoint_id, Delivery.is_replay.in_((False, True)), is_pending(Delivery))
            .where(Delivery.due_at <= before, ~is_behind)
            .limit(_AT_MOST)
            .subquery()
        )
        count, since = session.execute(select(func.count(), func.min(few.c.due_at))).one()
        if count:
            found[endpoint_id] = Standing(count, since)
    return found
