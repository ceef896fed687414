"""The rows of the limiters of numbers and recipients. A number's row is locked while slots are assigned."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, bindparam, case, delete, exists, func, null, or_, select, update
from sqlalchemy.orm import Session

from app.db.database import Database
from app.domain import rate_limits
from app.domain.rate_limits import BREAKER_THRESHOLD, TOKEN_PAUSES, NumberLimiter, RecipientLimiter
from app.models import Message, NumberLimit, RecipientLimit
from app.models.base import UtcDateTime, table
from app.store.dialect import built_once, insert_new, with_lists

PURGE_AFTER = timedelta(hours=1)

_NUMBERS = table(NumberLimit)
_LOCK = select(_NUMBERS).where(_NUMBERS.c.phone_number_id == bindparam("number")).with_for_update()
_CHANGES = {name: column for name, column in _NUMBERS.c.items() if not column.primary_key}
_SAVE = (
    update(_NUMBERS)
    .where(_NUMBERS.c.phone_number_id == bindparam("number"))
    .values({name: bindparam(f"new_{name}", type_=column.type) for name, column in _CHANGES.items()})
)


def lock(session: Session, phone_number_id: str, now: datetime) -> NumberLimiter:
    """Return the limiter of a number, and lock its row until the transaction ends. `save` writes it back."""
    row = session.execute(_LOCK, {"number": phone_number_id}).first()
    if row is None:
        new = NumberLimiter(phone_number_id, next_slot_at=now, inbound_counted_at=now)
        session.execute(insert_new(session, NumberLimit), [asdict(new)])
        row = session.execute(_LOCK, {"number": phone_number_id}).one()
    limiter = NumberLimiter(**dict(zip(_NUMBERS.c.keys(), row, strict=True)))
    rate_limits.clamp(limiter, now)
    return limiter


def save(session: Session, limiter: NumberLimiter) -> None:
    """Write a locked limiter back."""
    changes = {f"new_{name}": getattr(limiter, name) for name in _CHANGES}
    session.execute(_SAVE, {"number": limiter.phone_number_id} | changes)


class LockedLimiters:
    """The limiters of numbers that one transaction has locked: each is read once and written back by `save`."""

    def __init__(self, session: Session, now: datetime) -> None:
        self._session = session
        self._now = now
        self._locked: dict[str, NumberLimiter] = {}

    def of(self, phone_number_id: str) -> NumberLimiter:
        """Return a number's limiter; lock it first if that was not done yet."""
        if phone_number_id not in self._locked:
            self._locked[phone_number_id] = lock(self._session, phone_number_id, self._now)
        return self._locked[phone_number_id]

    def save(self) -> None:
        """Write all locked limiters back."""
        for limiter in self._locked.values():
            save(self._session, limiter)


_IS_OF_TOKEN = and_(_NUMBERS.c.paused_for.in_(TOKEN_PAUSES), _NUMBERS.c.token_hash == bindparam("token"))
_RESET = (
    update(_NUMBERS)
    .where(
        _NUMBERS.c.phone_number_id == bindparam("number"),
        or_(
            _NUMBERS.c.ambiguous_failures > 0,
            _IS_OF_TOKEN,
            _NUMBERS.c.proven_token.is_distinct_from(bindparam("token")),
        ),
    )
    .values(
        ambiguous_failures=0,
        probe_at=None,
        ambiguous_since=None,
        proven_token=bindparam("token"),
        **{
            name: case((_IS_OF_TOKEN, null()), else_=_NUMBERS.c[name])
            for name in ("paused_for", "paused_until", "token_hash")
        },
    )
)


def reset(session: Session, phone_number_id: str, token_hash: str) -> None:
    """Close the number's breaker and end a pause for this token: Meta has accepted a message sent with it."""
    session.execute(_RESET, {"number": phone_number_id, "token": token_hash})


_NOW = bindparam("now", type_=UtcDateTime)
_TO_PROBE = select(
    exists().where(
        or_(
            and_(_NUMBERS.c.ambiguous_failures >= BREAKER_THRESHOLD, _NUMBERS.c.probe_at <= _NOW),
            and_(_NUMBERS.c.paused_for.in_(TOKEN_PAUSES), _NUMBERS.c.paused_until <= _NOW),
        )
    )
)


def any_to_probe(database: Database, now: datetime) -> bool:
    """Return whether the probe of any number is due. Takes no lock. Raises `Unavailable`."""
    return bool(database.look(_TO_PROBE, {"now": now}))


def find(session: Session, phone_number_ids: Collection[str]) -> dict[str, NumberLimit]:
    """Return the rows of these numbers by id; a number that has never sent has none."""
    query = select(NumberLimit).where(NumberLimit.phone_number_id.in_(phone_number_ids))
    return {row.phone_number_id: row for row in session.scalars(query)}


_RECIPIENTS = table(RecipientLimit)
_OF_RECIPIENTS = with_lists(
    lambda among: select(_RECIPIENTS.c.recipient, _RECIPIENTS.c.paid_until, _RECIPIENTS.c.address).where(
        _RECIPIENTS.c.phone_number_id == bindparam("number"), among(_RECIPIENTS.c.recipient, "recipients")
    )
)


def of_recipients(
    session: Session, phone_number_id: str, recipients: Collection[str], now: datetime
) -> dict[str, RecipientLimiter]:
    """Return a limiter for each recipient, a new one where none is stored. The number's row must be locked."""
    if not recipients:
        return {}
    rows = session.execute(_OF_RECIPIENTS(session), {"number": phone_number_id, "recipients": list(recipients)})
    found = {
        key: RecipientLimiter(key, rate_limits.clamp_paid_until(until, now), address) for key, until, address in rows
    }
    return {each: found.get(each) or RecipientLimiter(each, now) for each in recipients}


@built_once
def _save_recipients(insert: Any) -> Any:
    statement = insert(_RECIPIENTS)
    new = {"paid_until": statement.excluded.paid_until, "address": statement.excluded.address}
    return statement.on_conflict_do_update(index_elements=["phone_number_id", "recipient"], set_=new)


def save_recipients(session: Session, phone_number_id: str, limiters: Collection[RecipientLimiter]) -> None:
    """Insert or update the limiters of a number's recipients."""
    rows = [{"phone_number_id": phone_number_id} | asdict(limiter) for limiter in limiters]
    session.execute(_save_recipients(session), rows)


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
    """Count the inbound messages of a number after `since`, up to `until`. Meta counts them against its rate."""
    return session.scalar(_INBOUND, {"number": phone_number_id, "since": since, "until": until}) or 0


def purge_recipients(session: Session, now: datetime) -> None:
    """Delete the limiters of recipients that restrict nothing any more and hold no other address."""
    old = (RecipientLimit.paid_until < now - PURGE_AFTER, RecipientLimit.address.is_(None))
    session.execute(delete(RecipientLimit).where(*old).execution_options(synchronize_session=False))


def any_to_purge(session: Session, now: datetime) -> bool:
    """Return whether `purge_recipients` would delete anything. Takes no lock."""
    old = (RecipientLimit.paid_until < now - PURGE_AFTER, RecipientLimit.address.is_(None))
    return session.scalar(select(RecipientLimit.recipient).where(*old).limit(1)) is not None
