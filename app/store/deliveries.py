"""Rows of deliveries: which endpoint gets which event.

They are written in the transaction of the event. A worker claims due rows until a lease ends; a write to a claimed row
changes it only if the claim is still the worker's.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Update, bindparam, exists, func, insert, literal_column, or_, select, update
from sqlalchemy.orm import Session

from app.db.database import HAS_WORK, Database
from app.ids import new_id
from app.models import Delivery, DeliveryAttempt
from app.models.base import UtcDateTime, table
from app.models.endpoints import IS_UNDELIVERED
from app.store.dialect import InsertMany, with_lists

_TABLE = table(Delivery)
_RENEW = with_lists(
    lambda among: update(_TABLE)
    .where(among(_TABLE.c.id, "ids"), among(_TABLE.c.claim_id, "claims"))
    .values(due_at=bindparam("until", type_=UtcDateTime))
    .returning(_TABLE.c.id, _TABLE.c.claim_id)
)
_insert = InsertMany(
    Delivery, "endpoint_id", "event_id", "contact_id", "state", "is_replay", "is_status", "due_at", "attempts",
    "created_at",
)


@dataclass(frozen=True, slots=True)
class DeliveryClaim:
    """A delivery that this worker has claimed. `claim_id` is equal for all rows claimed by one statement."""

    id: int
    claim_id: str
    endpoint_id: str
    event_id: str
    contact_id: str | None
    attempts: int
    is_replay: bool
    is_probe: bool = False


@dataclass(frozen=True, slots=True)
class DeliveryUpdate:
    """The new column values of a claimed delivery after an attempt. `due_at` is None when there is no next attempt."""

    claim: DeliveryClaim
    state: str
    due_at: datetime | None
    reason: str | None
    attempts: int
    blocks: bool = True
    refused: bool = False


class NewDelivery(NamedTuple):
    """A delivery to insert: the endpoint and the event. `is_status` is whether the event is a `message.status`."""

    endpoint_id: str
    event_id: str
    contact_id: str | None
    is_status: bool


def enqueue(session: Session, new: Sequence[NewDelivery], now: datetime, *, is_replay: bool) -> None:
    """Insert deliveries that are due now. They must come in the order of their events: ids ascend in this order."""
    rows = [
        (each.endpoint_id, each.event_id, each.contact_id, "pending", is_replay, each.is_status, now, 0, now)
        for each in new
    ]
    session.info[HAS_WORK] = True
    _insert(session.connection(), rows)


def any_due(database: Database, endpoint_ids: Collection[str], now: datetime) -> bool:
    """Return whether `due` would find a delivery for any of these endpoints. Raises `Unavailable`."""
    return bool(endpoint_ids) and database.is_any(_any_due(), {"ids": sorted(endpoint_ids), "now": now})


def due(session: Session, endpoint_id: str, now: datetime, limit: int, *, is_replay: bool) -> list[int]:
    """Return ids of due deliveries, claimable or not by their contact's order, longest due first. Takes no lock."""
    query = select(Delivery.id).where(
        Delivery.endpoint_id == endpoint_id, Delivery.is_replay == is_replay, _pending(Delivery), Delivery.due_at <= now
    )
    return list(session.scalars(query.order_by(Delivery.due_at, Delivery.id).limit(limit)))


def claim(
    session: Session, ids: Collection[int], *, now: datetime, lease: timedelta, is_probe: bool = False
) -> list[DeliveryClaim]:
    """Claim those of these deliveries that are still due, until `now + lease`. Skips rows that others have locked."""
    claim_id = new_id()
    wanted = select(Delivery.id).where(Delivery.id.in_(ids), _pending(Delivery), Delivery.due_at <= now)
    statement = (
        update(Delivery)
        .where(Delivery.id.in_(wanted.order_by(Delivery.id).with_for_update(skip_locked=True)))
        .values(claim_id=claim_id, claimed_at=now, due_at=now + lease)
        .returning(
            Delivery.id, Delivery.endpoint_id, Delivery.event_id, Delivery.contact_id, Delivery.attempts,
            Delivery.is_replay,
        )
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    rows = sorted(session.execute(statement).all())
    return [
        DeliveryClaim(
            row.id, claim_id, row.endpoint_id, row.event_id, row.contact_id, row.attempts, row.is_replay, is_probe
        )
        for row in rows
    ]


def renew(session: Session, claims: Sequence[DeliveryClaim], until: datetime) -> list[DeliveryClaim]:
    """Extend leases to `until` and return the claims that were still ours. Rows of lost claims do not change."""
    given = {"ids": [claim.id for claim in claims], "claims": list({claim.claim_id for claim in claims})}
    kept = {tuple(row) for row in session.execute(_RENEW(session), given | {"until": until})}
    return [claim for claim in claims if (claim.id, claim.claim_id) in kept]


def release(session: Session, claims: Sequence[DeliveryClaim], now: datetime) -> None:
    """Release claims of deliveries that were not attempted: any worker may claim them at once."""
    due_at = bindparam("now", type_=table(Delivery).c.due_at.type)
    _executemany(session, claims, {"due_at": due_at, "claim_id": None}, {"now": now})


def record(session: Session, updates: Sequence[DeliveryUpdate], now: datetime) -> None:
    """Update claimed deliveries after an attempt and release their claims. Rows of lost claims do not change."""
    session.execute(
        _recorded(),
        [
            {
                "of_id": new.claim.id,
                "of_claim": new.claim.claim_id,
                "new_state": new.state,
                "new_due_at": new.due_at,
                "new_reason": new.reason,
                "new_attempts": new.attempts,
                "new_blocks": new.blocks,
                "new_refused": new.refused,
                "new_finished_at": None if new.state == "pending" else now,
            }
            for new in updates
        ],
    )


def add_attempts(session: Session, attempts: Sequence[dict[str, Any]]) -> None:
    """Insert rows of `DeliveryAttempt`, one per delivery that was posted."""
    session.execute(insert(table(DeliveryAttempt)), attempts)


def dead_ids(session: Session, endpoint_id: str, limit: int) -> list[int]:
    """Return the ids of an endpoint's dead deliveries, oldest first."""
    # SQLite uses a partial index only if the query repeats the index's condition literally.
    is_dead = (IS_UNDELIVERED, Delivery.state == "dead")
    query = select(Delivery.id).where(Delivery.endpoint_id == endpoint_id, *is_dead)
    return list(session.scalars(query.order_by(Delivery.id).limit(limit)))


def requeue(session: Session, ids: Collection[int], now: datetime) -> None:
    """Make deliveries due now: pending ones, and as replays with no attempts dead, stale and withheld ones.

    For a batch's member its leader becomes due. Deliveries that a worker has claimed do not change.
    """
    unsynchronised = {"synchronize_session": False}
    is_member = (Delivery.carried_by.is_not(None), _pending(Delivery))
    leaders = select(Delivery.carried_by).where(Delivery.id.in_(ids), *is_member)
    mine = or_(Delivery.id.in_(ids), Delivery.id.in_(leaders))
    is_free = (_pending(Delivery), Delivery.claim_id.is_(None), Delivery.carried_by.is_(None))
    due_now = update(Delivery).where(mine, *is_free)
    session.execute(due_now.values(due_at=now), execution_options=unsynchronised)
    final = update(Delivery).where(Delivery.id.in_(ids), Delivery.state.in_(("dead", "stale", "withheld")))
    anew = {"state": "pending", "is_replay": True, "due_at": now, "attempts": 0, "finished_at": None, "claim_id": None}
    anew |= {"carried_by": None, "blocks": True, "refused": False}
    session.execute(final.values(anew), execution_options=unsynchronised)


def awaiting_retry(session: Session, endpoint_id: str, *, refused: bool) -> list[int]:
    """Return the ids of an endpoint's deliveries that failed and await a retry, in the order of the events.

    Without `refused`, leave out those that the app refused, and those with one attempt, which are due within seconds.
    Takes no lock.
    """
    free = (_pending(Delivery), Delivery.claim_id.is_(None), Delivery.carried_by.is_(None))
    query = select(Delivery.id).where(Delivery.endpoint_id == endpoint_id, Delivery.attempts > 0, *free)
    if not refused:
        query = query.where(~Delivery.refused, Delivery.attempts > 1)
    return list(session.scalars(query.order_by(Delivery.id)))


def unblock(session: Session, ids: Collection[int], now: datetime) -> None:
    """Make deliveries that await a retry due now. Later deliveries of their contacts wait for them again."""
    free = (_pending(Delivery), Delivery.claim_id.is_(None), Delivery.carried_by.is_(None))
    statement = update(Delivery).where(Delivery.id.in_(ids), *free)
    values = {"due_at": now, "blocks": True, "refused": False}
    session.execute(statement.values(values), execution_options={"synchronize_session": False})


def first_attempts(session: Session, ids: Collection[int]) -> dict[int, datetime]:
    """Return by id when each of these deliveries was attempted first since it was last requeued."""
    query = select(DeliveryAttempt.delivery_id, func.max(DeliveryAttempt.started_at))
    query = query.where(DeliveryAttempt.delivery_id.in_(ids), DeliveryAttempt.number == 1)
    rows = session.execute(query.group_by(DeliveryAttempt.delivery_id))
    return {delivery_id: started_at for delivery_id, started_at in rows}


def endpoints_that_refused(session: Session, ids: Collection[int]) -> set[str]:
    """Return the endpoint ids of those of these deliveries that the app refused at an earlier attempt."""
    query = select(Delivery.endpoint_id).where(Delivery.id.in_(ids), Delivery.refused)
    return set(session.scalars(query))


def recent_untried(session: Session, endpoint_id: str, now: datetime, limit: int, *, is_replay: bool) -> list[int]:
    """Of the `limit` deliveries that became due last, return those never attempted, in event order. Takes no lock."""
    latest = select(Delivery.id, Delivery.attempts).where(
        Delivery.endpoint_id == endpoint_id, Delivery.is_replay == is_replay, _pending(Delivery), Delivery.due_at <= now
    )  # fmt: skip
    some = latest.order_by(Delivery.due_at.desc(), Delivery.id.desc()).limit(limit).subquery()
    return list(session.scalars(select(some.c.id).where(some.c.attempts == 0).order_by(some.c.id)))


def has_pending(session: Session, endpoint_id: str) -> bool:
    """Return whether an endpoint has a pending delivery. Takes no lock."""
    pending = select(Delivery.id).where(Delivery.endpoint_id == endpoint_id, _pending(Delivery))
    return session.scalar(pending.limit(1)) is not None


def dead_letter(session: Session, endpoint_id: str, reason: str, now: datetime, limit: int) -> bool:
    """Make up to `limit` pending deliveries of an endpoint dead. Return whether there may be more."""
    some = select(Delivery.id).where(Delivery.endpoint_id == endpoint_id, _pending(Delivery)).limit(limit)
    ids = list(session.scalars(some))
    statement = update(Delivery).where(Delivery.id.in_(ids), _pending(Delivery))  # it may have been delivered meanwhile
    values = {"state": "dead", "due_at": None, "claim_id": None, "reason": reason, "finished_at": now}
    session.execute(statement.values(values), execution_options={"synchronize_session": False})
    return len(ids) == limit


@cache
def _any_due() -> Any:
    target = table(Delivery)
    return select(
        exists().where(
            target.c.endpoint_id.in_(bindparam("ids", expanding=True)),
            target.c.is_replay.in_((False, True)),  # lets the index be used up to `due_at`
            target.c.due_at <= bindparam("now", type_=target.c.due_at.type),
            _pending(target.c),
        )
    )


@cache
def _recorded() -> Update:
    target = table(Delivery)
    return (
        update(target)
        .where(target.c.id == bindparam("of_id"), target.c.claim_id == bindparam("of_claim"))
        .values(
            state=bindparam("new_state"),
            due_at=bindparam("new_due_at", type_=target.c.due_at.type),
            reason=bindparam("new_reason"),
            attempts=bindparam("new_attempts"),
            blocks=bindparam("new_blocks"),
            refused=bindparam("new_refused"),
            finished_at=bindparam("new_finished_at", type_=target.c.finished_at.type),
            claim_id=None,
        )
    )


def _executemany(
    session: Session, claims: Sequence[DeliveryClaim], values: dict[str, Any], given: dict[str, Any]
) -> None:
    target = table(Delivery)
    ours = (target.c.id == bindparam("of_id"), target.c.claim_id == bindparam("of_claim"))
    rows = [{"of_id": claim.id, "of_claim": claim.claim_id} | given for claim in claims]
    session.execute(update(target).where(*ours).values(**values), rows)


def _pending(model: Any) -> ColumnElement[bool]:
    """Return the condition of the partial indexes as a literal: SQLite uses them only if the query repeats it."""
    return model.state == literal_column("'pending'")  # type: ignore[no-any-return]
