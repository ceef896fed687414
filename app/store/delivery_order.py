"""The order of deliveries to one endpoint: those of one contact follow each other, statuses apart from other events."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.orm import Session, aliased

from app.models import Delivery
from app.models.base import UtcDateTime, table
from app.store.deliveries import DeliveryClaim, is_unfinished, select_due
from app.store.dialect import with_lists

_TABLE = table(Delivery)


class Blocked(NamedTuple):
    """A delivery that must wait: its `due_at` when it was read, and the id of the last delivery it waits for."""

    due_at: datetime
    blocker_id: int


def due(
    session: Session, endpoint_id: str, now: datetime, limit: int, *, is_replay: bool
) -> tuple[list[int], dict[int, Blocked]]:
    """Return what `deliveries.due` and `blocked` return together: the ids of due deliveries, and which of them wait."""
    given = {"endpoint": endpoint_id, "replays": is_replay, "now": now, "most": limit}
    rows = session.execute(_due(), given).all()
    return [row[0] for row in rows], {row[0]: Blocked(row[1], row[2]) for row in rows if row[2] is not None}


@cache
def _due() -> Any:
    return select_due(_TABLE.c.id, _TABLE.c.due_at, _last_before())


def blocked(session: Session, ids: Collection[int]) -> dict[int, Blocked]:
    """Return, by id, those of these deliveries that must wait for an earlier one of their contact. Takes no lock."""
    rows = session.execute(_blocked()(session), {"ids": list(ids)})
    return {row[0]: Blocked(row[1], row[2]) for row in rows}


@cache
def _blocked() -> Callable[[Session], Any]:
    last = _last_before()
    return with_lists(
        lambda among: select(Delivery.id, Delivery.due_at, last).where(among(_TABLE.c.id, "ids"), last.is_not(None))
    )


def defer(session: Session, seen: Mapping[int, Blocked], until: datetime) -> None:
    """Make the deliveries that `blocked` returned due at `until`, so that polls do not read them again and again.

    `unblock_next` makes them due earlier. A delivery is deferred only while its blocker is locked here and still
    pending: a transaction that ends the blocker afterwards waits for this one, and then finds the deferred delivery.
    Rows that others have claimed, locked or changed since they were `seen` do not change; the next poll reads them
    again. Skips locked rows, so it never waits.
    """
    ids = {*seen, *(waiting.blocker_id for waiting in seen.values())}
    query = select(Delivery.id, Delivery.due_at, Delivery.claim_id, Delivery.carried_by, Delivery.blocks)
    query = query.where(Delivery.id.in_(ids), is_unfinished(Delivery)).order_by(Delivery.id)
    locked = {row.id: row for row in session.execute(query.with_for_update(skip_locked=True))}

    def must_wait(id: int, waiting: Blocked) -> bool:
        row, before = locked.get(id), locked.get(waiting.blocker_id)
        if row is None or before is None or not before.blocks:
            return False
        return row.claim_id is None and row.carried_by is None and bool(row.due_at == waiting.due_at)

    deferred = [id for id, waiting in seen.items() if must_wait(id, waiting)]
    if deferred:
        statement = update(Delivery).where(Delivery.id.in_(deferred)).values(due_at=until)
        session.execute(statement.execution_options(synchronize_session=False))


def unblock_next(session: Session, claims: Sequence[DeliveryClaim], now: datetime) -> None:
    """After each of these deliveries, make the next one of its contact due now, unless that one awaits a retry."""
    session.execute(_unblocked()(session), {"ended": [claim.id for claim in claims], "now": now})


@cache
def _unblocked() -> Callable[[Session], Any]:
    following, done = _TABLE.alias("following"), _TABLE.alias("done")
    next_id = (
        select(func.min(following.c.id))
        .where(
            following.c.contact_id == done.c.contact_id,
            following.c.endpoint_id == done.c.endpoint_id,
            following.c.is_replay == done.c.is_replay,
            following.c.is_status == done.c.is_status,
            following.c.id > done.c.id,
            following.c.blocks,  # one that has failed too often blocks no other
            is_unfinished(following.c),
        )
        .scalar_subquery()
    )
    is_free = (_TABLE.c.claim_id.is_(None), _TABLE.c.attempts == 0, _TABLE.c.carried_by.is_(None))
    return with_lists(
        lambda among: update(_TABLE)
        .where(_TABLE.c.id.in_(select(next_id).where(among(done.c.id, "ended"))), *is_free)
        .values(due_at=bindparam("now", type_=UtcDateTime))
    )


def _last_before() -> Any:
    """Return a subquery: the id of the last delivery that a delivery waits for, and whose end unblocks it."""
    earlier = aliased(Delivery)
    last = select(func.max(earlier.id)).where(
        earlier.contact_id == Delivery.contact_id,
        earlier.endpoint_id == Delivery.endpoint_id,
        earlier.is_replay == Delivery.is_replay,
        earlier.id < Delivery.id,
        earlier.is_status == Delivery.is_status,
        earlier.blocks,
        is_unfinished(earlier),
    )
    return last.correlate(Delivery).scalar_subquery()
