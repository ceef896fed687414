"""What is owed to endpoints: written with the events, claimed for a while, fenced by the claim."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Update, bindparam, exists, func, insert, literal_column, or_, select, update
from sqlalchemy.orm import Session

from app.db.database import Database
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
class Claim:
    """A delivery that is ours until its lease ends."""

    id: int
    claim_id: str
    endpoint_id: str
    event_id: str
    contact_id: str | None
    attempts: int
    is_replay: bool
    is_probe: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a try ended, and when it is to be repeated; `due_at` of None: never. See `Delivery` for the last two."""

    claim: Claim
    state: str
    due_at: datetime | None
    reason: str | None
    attempts: int
    blocks: bool = True
    refused: bool = False


class Owed(NamedTuple):
    """An event that an endpoint is owed."""

    endpoint_id: str
    event_id: str
    contact_id: str | None
    is_status: bool


def owe(session: Session, owed: Sequence[Owed], now: datetime, *, is_replay: bool) -> None:
    """Write down that endpoints are owed events, in the order of the events."""
    rows = [
        (each.endpoint_id, each.event_id, each.contact_id, "pending", is_replay, each.is_status, now, 0, now)
        for each in owed
    ]
    _insert(session.connection(), rows)


def any_due(database: Database, endpoint_ids: Collection[str], now: datetime) -> bool:
    """Whether `due` would find something for any of these endpoints. Raises `Unavailable`."""
    return bool(endpoint_ids) and bool(database.look(_any_due(), {"ids": sorted(endpoint_ids), "now": now}))


def due(session: Session, endpoint_id: str, now: datetime, limit: int, *, is_replay: bool) -> list[int]:
    """Deliveries that may be claimed, the longest due first, whatever their order. Takes no lock."""
    query = select(Delivery.id).where(
        Delivery.endpoint_id == endpoint_id, Delivery.is_replay == is_replay, _pending(Delivery), Delivery.due_at <= now
    )
    return list(session.scalars(query.order_by(Delivery.due_at, Delivery.id).limit(limit)))


def claim(
    session: Session, ids: Collection[int], *, now: datetime, lease: timedelta, is_probe: bool = False
) -> list[Claim]:
    """Take those of these deliveries that are still due, until `now + lease`."""
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
        Claim(row.id, claim_id, row.endpoint_id, row.event_id, row.contact_id, row.attempts, row.is_replay, is_probe)
        for row in rows
    ]


def renew(session: Session, claims: Sequence[Claim], until: datetime) -> list[Claim]:
    """Lengthen leases; return the claims that are still ours. Of those that are lost nothing is changed."""
    given = {"ids": [claim.id for claim in claims], "claims": list({claim.claim_id for claim in claims})}
    kept = {tuple(row) for row in session.execute(_RENEW(session), given | {"until": until})}
    return [claim for claim in claims if (claim.id, claim.claim_id) in kept]


def give_back(session: Session, claims: Sequence[Claim], now: datetime) -> None:
    """Let anybody take these at once: they were not tried."""
    due_at = bindparam("now", type_=table(Delivery).c.due_at.type)
    _executemany(session, claims, {"due_at": due_at, "claim_id": None}, {"now": now})


def record(session: Session, outcomes: Sequence[Outcome], now: datetime) -> None:
    """Write what became of claimed deliveries, unless their claims are lost."""
    session.execute(
        _recorded(),
        [
            {
                "of_id": outcome.claim.id,
                "of_claim": outcome.claim.claim_id,
                "new_state": outcome.state,
                "new_due_at": outcome.due_at,
                "new_reason": outcome.reason,
                "new_attempts": outcome.attempts,
                "new_blocks": outcome.blocks,
                "new_refused": outcome.refused,
                "new_finished_at": None if outcome.state == "pending" else now,
            }
            for outcome in outcomes
        ],
    )


def add_attempts(session: Session, tries: Sequence[dict[str, Any]]) -> None:
    """Write tries."""
    session.execute(insert(table(DeliveryAttempt)), tries)


def dead(session: Session, endpoint_id: str, limit: int) -> list[int]:
    """What is dead for an endpoint, the oldest first."""
    # SQLite uses an index over some rows only where a query says so in the index's own words.
    is_dead = (IS_UNDELIVERED, Delivery.state == "dead")
    query = select(Delivery.id).where(Delivery.endpoint_id == endpoint_id, *is_dead)
    return list(session.scalars(query.order_by(Delivery.id).limit(limit)))


def revive(session: Session, ids: Collection[int], now: datetime) -> None:
    """Make deliveries due now. What was final begins anew, as a replay; what is being tried is left alone."""
    unsynchronised = {"synchronize_session": False}
    is_carried = (Delivery.carried_by.is_not(None), _pending(Delivery))
    heads = select(Delivery.carried_by).where(Delivery.id.in_(ids), *is_carried)
    mine = or_(Delivery.id.in_(ids), Delivery.id.in_(heads))
    is_free = (_pending(Delivery), Delivery.claim_id.is_(None), Delivery.carried_by.is_(None))
    due_now = update(Delivery).where(mine, *is_free)
    session.execute(due_now.values(due_at=now), execution_options=unsynchronised)
    final = update(Delivery).where(Delivery.id.in_(ids), Delivery.state.in_(("dead", "stale", "withheld")))
    anew = {"state": "pending", "is_replay": True, "due_at": now, "attempts": 0, "finished_at": None, "claim_id": None}
    anew |= {"carried_by": None, "blocks": True, "refused": False}
    session.execute(final.values(anew), execution_options=unsynchronised)


def waiting(session: Session, endpoint_id: str, *, refused: bool) -> list[int]:
    """What was tried and waits for its next try, of an endpoint, in the order of the events.

    Without `refused` neither what the app did not take, nor what was tried once and waits seconds. Takes no lock.
    """
    free = (_pending(Delivery), Delivery.claim_id.is_(None), Delivery.carried_by.is_(None))
    query = select(Delivery.id).where(Delivery.endpoint_id == endpoint_id, Delivery.attempts > 0, *free)
    if not refused:
        query = query.where(~Delivery.refused, Delivery.attempts > 1)
    return list(session.scalars(query.order_by(Delivery.id)))


def wake(session: Session, ids: Collection[int], now: datetime) -> None:
    """Make deliveries due that wait for their next try, as if they had not failed yet: their order counts again."""
    free = (_pending(Delivery), Delivery.claim_id.is_(None), Delivery.carried_by.is_(None))
    statement = update(Delivery).where(Delivery.id.in_(ids), *free)
    values = {"due_at": now, "blocks": True, "refused": False}
    session.execute(statement.values(values), execution_options={"synchronize_session": False})


def first_tries(session: Session, ids: Collection[int]) -> dict[int, datetime]:
    """When each of these deliveries was tried first, since it was last begun anew."""
    query = select(DeliveryAttempt.delivery_id, func.max(DeliveryAttempt.started_at))
    query = query.where(DeliveryAttempt.delivery_id.in_(ids), DeliveryAttempt.number == 1)
    rows = session.execute(query.group_by(DeliveryAttempt.delivery_id))
    return {delivery_id: started_at for delivery_id, started_at in rows}


def refused(session: Session, ids: Collection[int]) -> set[str]:
    """The endpoints of those of these deliveries whose event was refused before."""
    query = select(Delivery.endpoint_id).where(Delivery.id.in_(ids), Delivery.refused)
    return set(session.scalars(query))


def fresh_lately(session: Session, endpoint_id: str, now: datetime, limit: int, *, is_replay: bool) -> list[int]:
    """Those of what became due last that were never tried, in the order of the events. Takes no lock."""
    latest = select(Delivery.id, Delivery.attempts).where(
        Delivery.endpoint_id == endpoint_id, Delivery.is_replay == is_replay, _pending(Delivery), Delivery.due_at <= now
    )  # fmt: skip
    some = latest.order_by(Delivery.due_at.desc(), Delivery.id.desc()).limit(limit).subquery()
    return list(session.scalars(select(some.c.id).where(some.c.attempts == 0).order_by(some.c.id)))


def is_owed(session: Session, endpoint_id: str) -> bool:
    """Whether anything is pending for an endpoint. Takes no lock."""
    owed = select(Delivery.id).where(Delivery.endpoint_id == endpoint_id, _pending(Delivery))
    return session.scalar(owed.limit(1)) is not None


def bury(session: Session, endpoint_id: str, reason: str, now: datetime, limit: int) -> bool:
    """Make pending deliveries of an endpoint dead, so many at once; return whether there may be more."""
    some = select(Delivery.id).where(Delivery.endpoint_id == endpoint_id, _pending(Delivery)).limit(limit)
    ids = list(session.scalars(some))
    statement = update(Delivery).where(Delivery.id.in_(ids), _pending(Delivery))  # it may have ended meanwhile
    values = {"state": "dead", "due_at": None, "claim_id": None, "reason": reason, "finished_at": now}
    session.execute(statement.values(values), execution_options={"synchronize_session": False})
    return len(ids) == limit


@cache
def _any_due() -> Any:
    target = table(Delivery)
    return select(
        exists().where(
            target.c.endpoint_id.in_(bindparam("ids", expanding=True)),
            target.c.is_replay.in_((False, True)),  # so that the index leads to the time
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


def _executemany(session: Session, claims: Sequence[Claim], values: dict[str, Any], given: dict[str, Any]) -> None:
    target = table(Delivery)
    ours = (target.c.id == bindparam("of_id"), target.c.claim_id == bindparam("of_claim"))
    rows = [{"of_id": claim.id, "of_claim": claim.claim_id} | given for claim in claims]
    session.execute(update(target).where(*ours).values(**values), rows)


def _pending(model: Any) -> ColumnElement[bool]:
    """A literal, because SQLite uses an index of some rows alone for no condition that it cannot read."""
    return model.state == literal_column("'pending'")  # type: ignore[no-any-return]
