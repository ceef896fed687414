"""The paces of numbers and pairs, locked while turns are given out."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, bindparam, case, delete, exists, func, null, or_, select, update
from sqlalchemy.orm import Session

from app.db.database import Database
from app.domain import rate_limits
from app.domain.rate_limits import DOUBTS, TOKEN_PAUSES, Pace, Pair
from app.models import Message, NumberPace, PairPace
from app.models.base import UtcDateTime, table
from app.store.dialect import built_once, insert_new, with_lists

_TABLE = table(NumberPace)
_HOLD = select(_TABLE).where(_TABLE.c.phone_number_id == bindparam("number")).with_for_update()
_CHANGES = [column for column in _TABLE.c if not column.primary_key]
_KEEP = (
    update(_TABLE)
    .where(_TABLE.c.phone_number_id == bindparam("number"))
    .values({column.name: bindparam(f"new_{column.name}", type_=column.type) for column in _CHANGES})
)


def hold(session: Session, phone_number_id: str, now: datetime) -> Pace:
    """The number's pace, which nobody else can change until this transaction ends. See `keep`."""
    row = session.execute(_HOLD, {"number": phone_number_id}).first()
    if row is None:
        new = Pace(phone_number_id, next_turn_at=now, inbound_counted_at=now)
        session.execute(insert_new(session, NumberPace), [asdict(new)])
        row = session.execute(_HOLD, {"number": phone_number_id}).one()
    pace = Pace(**row._mapping)
    rate_limits.believe(pace, now)
    return pace


def keep(session: Session, pace: Pace) -> None:
    """Write a pace that is held as it is now."""
    changes = {f"new_{column.name}": getattr(pace, column.name) for column in _CHANGES}
    session.execute(_KEEP, {"number": pace.phone_number_id} | changes)


class HeldPaces:
    """The paces that one transaction holds: each read once, when it is asked for, and written at the end."""

    def __init__(self, session: Session, now: datetime) -> None:
        self._session = session
        self._now = now
        self._held: dict[str, Pace] = {}

    def of(self, phone_number_id: str) -> Pace:
        """A number's pace."""
        if phone_number_id not in self._held:
            self._held[phone_number_id] = hold(self._session, phone_number_id, self._now)
        return self._held[phone_number_id]

    def keep(self) -> None:
        """Write them all as they are now."""
        for pace in self._held.values():
            keep(self._session, pace)


_IS_OF_TOKEN = and_(_TABLE.c.paused_for.in_(TOKEN_PAUSES), _TABLE.c.token_hash == bindparam("token"))
_CALM = (
    update(_TABLE)
    .where(
        _TABLE.c.phone_number_id == bindparam("number"),
        or_(_TABLE.c.doubts > 0, _IS_OF_TOKEN, _TABLE.c.proven_token.is_distinct_from(bindparam("token"))),
    )
    .values(
        doubts=0,
        probe_at=None,
        in_doubt_since=None,
        proven_token=bindparam("token"),
        **{
            name: case((_IS_OF_TOKEN, null()), else_=_TABLE.c[name])
            for name in ("paused_for", "paused_until", "token_hash")
        },
    )
)


def calm(session: Session, phone_number_id: str, token_hash: str) -> None:
    """Meta took a message sent with this token: end whatever doubt there was about the number and the token."""
    session.execute(_CALM, {"number": phone_number_id, "token": token_hash})


_TO_PROBE = select(
    exists().where(
        or_(
            and_(_TABLE.c.doubts >= DOUBTS, _TABLE.c.probe_at <= bindparam("now", type_=UtcDateTime)),
            and_(_TABLE.c.paused_for.in_(TOKEN_PAUSES), _TABLE.c.paused_until <= bindparam("now", type_=UtcDateTime)),
        )
    )
)


def any_to_probe(database: Database, now: datetime) -> bool:
    """Whether Meta is to be asked about a number. Raises `Unavailable`."""
    return bool(database.look(_TO_PROBE, {"now": now}))


def find(session: Session, phone_number_ids: Collection[str]) -> dict[str, NumberPace]:
    """The paces of these numbers, as far as they have sent."""
    query = select(NumberPace).where(NumberPace.phone_number_id.in_(phone_number_ids))
    return {row.phone_number_id: row for row in session.scalars(query)}


_PAIRS = table(PairPace)
_OF_PAIRS = with_lists(
    lambda among: select(_PAIRS.c.recipient, _PAIRS.c.paid_until, _PAIRS.c.address).where(
        _PAIRS.c.phone_number_id == bindparam("number"), among(_PAIRS.c.recipient, "recipients")
    )
)


def of_pairs(session: Session, phone_number_id: str, recipients: Collection[str], now: datetime) -> dict[str, Pair]:
    """The paces of a number's recipients, new ones for those who have none. The number's pace must be locked."""
    if not recipients:
        return {}
    rows = session.execute(_OF_PAIRS(session), {"number": phone_number_id, "recipients": list(recipients)})
    found = {key: Pair(key, rate_limits.believable(until, now), address) for key, until, address in rows}
    return {each: found.get(each) or Pair(each, now) for each in recipients}


@built_once
def _save_pairs(insert: Any) -> Any:
    statement = insert(_PAIRS)
    new = {"paid_until": statement.excluded.paid_until, "address": statement.excluded.address}
    return statement.on_conflict_do_update(index_elements=["phone_number_id", "recipient"], set_=new)


def save_pairs(session: Session, phone_number_id: str, pairs: Collection[Pair]) -> None:
    """Keep them as they are now."""
    session.execute(
        _save_pairs(session),
        [
            {
                "phone_number_id": phone_number_id, "recipient": pair.recipient, "paid_until": pair.paid_until,
                "address": pair.address,
            }
            for pair in pairs
        ],
    )  # fmt: skip


_MESSAGES = table(Message)
_INBOUND = (
    select(func.count())
    .select_from(_MESSAGES)
    .where(
        _MESSAGES.c.timestamp > bindparam("since", type_=UtcDateTime),
        _MESSAGES.c.timestamp <= bindparam("until", type_=UtcDateTime),
        _MESSAGES.c.phone_number_id == bindparam("number"),
        _MESSAGES.c.direction == "inbound",
    )
)


def count_inbound(session: Session, phone_number_id: str, since: datetime, until: datetime) -> int:
    """How many live messages came in to the number in a moment just past. They count against its rate."""
    return session.scalar(_INBOUND, {"number": phone_number_id, "since": since, "until": until}) or 0


def forget_pairs(session: Session, now: datetime) -> None:
    """Delete the paces of pairs that owe nothing and taught us nothing."""
    old = (PairPace.paid_until < now - timedelta(hours=1), PairPace.address.is_(None))
    session.execute(delete(PairPace).where(*old).execution_options(synchronize_session=False))


def any_old_pair(session: Session, now: datetime) -> bool:
    """Whether `forget_pairs` would find anything. Takes no lock."""
    old = (PairPace.paid_until < now - timedelta(hours=1), PairPace.address.is_(None))
    return session.scalar(select(PairPace.recipient).where(*old).limit(1)) is not None
