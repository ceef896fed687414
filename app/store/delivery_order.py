"""Which delivery waits for which: what is said of a contact comes in order, and statuses apart from all else."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Update, bindparam, func, literal_column, select, update
from sqlalchemy.orm import Session, aliased

from app.models import Delivery
from app.models.base import table
from app.store.deliveries import Claim


class Waiting(NamedTuple):
    """When a delivery that must wait was due as it was seen, and the id of the last one that it waits for."""

    due_at: datetime
    after: int


def blocked(session: Session, ids: Collection[int]) -> dict[int, Waiting]:
    """Those of these deliveries that wait for an earlier one of the same contact. Takes no lock."""
    last = _last_before()
    rows = session.execute(select(Delivery.id, Delivery.due_at, last).where(Delivery.id.in_(ids), last.is_not(None)))
    return {row[0]: Waiting(row[1], row[2]) for row in rows}


def hold_back(session: Session, seen: Mapping[int, Waiting], until: datetime) -> None:
    """Do not look before `until` at what `blocked` found; `release` brings it back earlier.

    A delivery is held only under the lock of the one that it waits for, which still is to be delivered: whoever ends
    that one afterwards waits for this transaction, and then finds what is held. What somebody else has, has locked or
    has changed since it was `seen` is left alone, and so found again at the next look. Waits for nobody.
    """
    ids = {*seen, *(waiting.after for waiting in seen.values())}
    query = select(Delivery.id, Delivery.due_at, Delivery.claim_id, Delivery.carried_by, Delivery.blocks)
    query = query.where(Delivery.id.in_(ids), _pending(Delivery)).order_by(Delivery.id)
    locked = {row.id: row for row in session.execute(query.with_for_update(skip_locked=True))}

    def must_wait(id: int, waiting: Waiting) -> bool:
        row, before = locked.get(id), locked.get(waiting.after)
        if row is None or before is None or not before.blocks:
            return False
        return row.claim_id is None and row.carried_by is None and bool(row.due_at == waiting.due_at)

    held = [id for id, waiting in seen.items() if must_wait(id, waiting)]
    if held:
        statement = update(Delivery).where(Delivery.id.in_(held)).values(due_at=until)
        session.execute(statement.execution_options(synchronize_session=False))


def release(session: Session, claims: Sequence[Claim], now: datetime) -> None:
    """Let the next event of each contact be delivered now, unless it has been tried and has a time of its own."""
    session.execute(
        _released(),
        [
            {
                "of_contact": claim.contact_id,
                "of_endpoint": claim.endpoint_id,
                "of_replay": claim.is_replay,
                "of_id": claim.id,
                "now": now,
            }
            for claim in claims
        ],
    )


@cache
def _released() -> Update:
    target = table(Delivery)
    following, done = target.alias("following"), target.alias("done")
    is_status = select(done.c.is_status).where(done.c.id == bindparam("of_id")).scalar_subquery()
    next_id = (
        select(func.min(following.c.id))
        .where(
            following.c.contact_id == bindparam("of_contact"),
            following.c.endpoint_id == bindparam("of_endpoint"),
            following.c.is_replay == bindparam("of_replay", type_=target.c.is_replay.type),
            following.c.is_status == is_status,
            following.c.id > bindparam("of_id"),
            following.c.blocks,  # one that has failed too often stands in nobody's way
            literal_column("following.state = 'pending'"),
        )
        .scalar_subquery()
    )
    return (
        update(target)
        .where(
            target.c.id == next_id, target.c.claim_id.is_(None), target.c.attempts == 0, target.c.carried_by.is_(None)
        )
        .values(due_at=bindparam("now", type_=target.c.due_at.type))
    )


def _last_before() -> Any:
    """The last earlier delivery that one waits for: the one whose end releases it."""
    earlier = aliased(Delivery)
    last = select(func.max(earlier.id)).where(
        earlier.contact_id == Delivery.contact_id,
        earlier.endpoint_id == Delivery.endpoint_id,
        earlier.is_replay == Delivery.is_replay,
        earlier.id < Delivery.id,
        earlier.is_status == Delivery.is_status,
        earlier.blocks,
        _pending(earlier),
    )
    return last.correlate(Delivery).scalar_subquery()


def _pending(model: Any) -> ColumnElement[bool]:
    return model.state == literal_column("'pending'")  # type: ignore[no-any-return]  # see store.deliveries
