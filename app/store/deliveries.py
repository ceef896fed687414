"""Rows of deliveries: which endpoint gets which event.

They are written in the transaction of the event. A worker claims due rows until a lease ends; a write to a claimed row
changes it only if the claim is still the worker's.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from functools import cache
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Integer, Update, bindparam, exists, func, literal_column, select, update
from sqlalchemy.orm import Session

from app.db.database import HAS_WORK, Database
from app.ids import new_id
from app.models import Delivery, DeliveryAttempt
from app.models.base import UtcDateTime, table
from app.store.dialect import Among, with_lists
from app.store.many_rows import InsertMany

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


class DeliveryClaim(NamedTuple):
    """A delivery that this worker has claimed. `claim_id` is equal for all rows claimed by one statement."""

    id: int
    claim_id: str
    endpoint_id: str
    event_id: str
    contact_id: str | None
    attempts: int
    is_replay: bool
    is_probe: bool = False


class DeliveryUpdate(NamedTuple):
    """The new column values of a claimed delivery after an attempt. `due_at` is None when there is no next attempt."""

    claim: DeliveryClaim
    state: str
    due_at: datetime | None
    reason: str | None
    attempts: int
    blocks: bool = True
    refused: bool = False

    @property
    def was_delivered_at_once(self) -> bool:
        """Whether the first attempt succeeded."""
        is_plain = self.reason is None and self.due_at is None and self.blocks and not self.refused
        return self.state == "delivered" and self.attempts == 1 and is_plain


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


def is_pending(model: Any) -> ColumnElement[bool]:
    """Return the condition of the index of due deliveries, as a literal, or SQLite does not use it.

    For queries that walk through an endpoint's deliveries; others say `is_unfinished`, see `models.Delivery`.
    """
    return model.state == literal_column("'pending'")  # type: ignore[no-any-return]


def is_unfinished(model: Any) -> ColumnElement[bool]:
    """Return the condition of being pending for queries that find deliveries by their contact, leader, event or id."""
    return model.finished_at.is_(None)  # type: ignore[no-any-return]


def select_due(*columns: Any) -> Any:
    """Return the query for due deliveries of an `endpoint`, of its `replays` or not, `most` of them, at `now`."""
    return (
        select(*columns)
        .where(
            _TABLE.c.endpoint_id == bindparam("endpoint"),
            _TABLE.c.is_replay == bindparam("replays"),
            literal_column("deliveries.state = 'pending'"),
            _TABLE.c.due_at <= bindparam("now", type_=UtcDateTime),
        )
        .order_by(_TABLE.c.due_at, _TABLE.c.id)
        .limit(bindparam("most", type_=Integer))
    )


_DUE = select_due(_TABLE.c.id)


def due(session: Session, endpoint_id: str, now: datetime, limit: int, *, is_replay: bool) -> list[int]:
    """Return ids of due deliveries, claimable or not by their contact's order, longest due first. Takes no lock."""
    given = {"endpoint": endpoint_id, "replays": is_replay, "now": now, "most": limit}
    return list(session.scalars(_DUE, given))


def _claim(among: Among) -> Any:
    is_due = _TABLE.c.due_at <= bindparam("now", type_=UtcDateTime)
    wanted = select(_TABLE.c.id).where(among(_TABLE.c.id, "ids"), is_unfinished(_TABLE.c), is_due)
    return (
        update(_TABLE)
        .where(_TABLE.c.id.in_(wanted.order_by(_TABLE.c.id).with_for_update(skip_locked=True)))
        .values(
            claim_id=bindparam("new_claim"),
            claimed_at=bindparam("now", type_=UtcDateTime),
            due_at=bindparam("until", type_=UtcDateTime),
        )
        .returning(
            _TABLE.c.id, _TABLE.c.endpoint_id, _TABLE.c.event_id, _TABLE.c.contact_id, _TABLE.c.attempts,
            _TABLE.c.is_replay,
        )
    )  # fmt: skip


_CLAIM = with_lists(_claim)


def claim(
    session: Session, ids: Collection[int], *, now: datetime, lease: timedelta, is_probe: bool = False
) -> list[DeliveryClaim]:
    """Claim those of these deliveries that are still due, until `now + lease`. Skips rows that others have locked."""
    claim_id = new_id()
    given = {"ids": list(ids), "now": now, "until": now + lease, "new_claim": claim_id}
    rows = sorted(session.execute(_CLAIM(session), given), key=itemgetter(0))
    return [DeliveryClaim(row[0], claim_id, row[1], row[2], row[3], row[4], row[5], is_probe) for row in rows]


def renew(session: Session, claims: Sequence[DeliveryClaim], until: datetime) -> list[DeliveryClaim]:
    """Extend leases to `until` and return the claims that were still ours. Rows of lost claims do not change."""
    given = {"ids": [claim.id for claim in claims], "claims": list({claim.claim_id for claim in claims})}
    kept = {tuple(row) for row in session.execute(_RENEW(session), given | {"until": until})}
    return [claim for claim in claims if (claim.id, claim.claim_id) in kept]


def release(session: Session, claims: Sequence[DeliveryClaim], now: datetime) -> None:
    """Release claims of deliveries that were not attempted: any worker may claim them at once."""
    due_at = bindparam("now", type_=table(Delivery).c.due_at.type)
    _executemany(session, claims, {"due_at": due_at, "claim_id": None}, {"now": now})


_DELIVERED = with_lists(
    lambda among: update(_TABLE)
    .where(among(_TABLE.c.id, "ids"), among(_TABLE.c.claim_id, "claims"))
    .values(
        state="delivered", due_at=None, reason=None, attempts=1, blocks=True, refused=False, claim_id=None,
        finished_at=bindparam("now", type_=UtcDateTime),
    )
)  # fmt: skip


def record(session: Session, updates: Sequence[DeliveryUpdate], now: datetime) -> None:
    """Update claimed deliveries after an attempt and release their claims. Rows of lost claims do not change."""
    first_time = [each.claim for each in updates if each.was_delivered_at_once]
    if first_time:
        # As nearly always. One statement for all, because the new values are the same.
        claims = {"ids": [claim.id for claim in first_time], "claims": list({claim.claim_id for claim in first_time})}
        session.execute(_DELIVERED(session), claims | {"now": now})
    others = [
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
        if not new.was_delivered_at_once
    ]
    if others:
        session.execute(_recorded(), others)


class NewAttempt(NamedTuple):
    """A row of `DeliveryAttempt` to insert."""

    delivery_id: int
    number: int
    started_at: datetime
    duration_ms: int
    status: int | None
    error: str | None
    answer: str | None
    note: str | None


_insert_attempts = InsertMany(DeliveryAttempt, *NewAttempt._fields)


def add_attempts(session: Session, attempts: Sequence[NewAttempt]) -> None:
    """Insert attempts, one for each delivery that was posted."""
    _insert_attempts(session.connection(), attempts)


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
        Delivery.endpoint_id == endpoint_id, Delivery.is_replay == is_replay, is_pending(Delivery),
        Delivery.due_at <= now,
    )  # fmt: skip
    some = latest.order_by(Delivery.due_at.desc(), Delivery.id.desc()).limit(limit).subquery()
    return list(session.scalars(select(some.c.id).where(some.c.attempts == 0).order_by(some.c.id)))


@cache
def _any_due() -> Any:
    target = table(Delivery)
    return select(
        exists().where(
            target.c.endpoint_id.in_(bindparam("ids", expanding=True)),
            target.c.is_replay.in_((False, True)),  # lets the index be used up to `due_at`
            target.c.due_at <= bindparam("now", type_=target.c.due_at.type),
            is_pending(target.c),
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
