"""Job rows: claimed for the time of a lease, fenced by the claim's id, deleted when done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import CursorResult, Integer, bindparam, delete, exists, insert, or_, select, update
from sqlalchemy.orm import Session

from app.db.database import HAS_WORK, Database
from app.ids import new_id
from app.models import Job
from app.models.base import UtcDateTime, table
from app.store.dialect import with_lists


@dataclass(frozen=True, slots=True)
class Claim:
    """A job that this worker holds until its lease ends."""

    job_id: int
    claim_id: str
    kind: str
    subject_id: str
    attempts: int
    request_id: str | None


class ClaimLost(Exception):
    """The lease ran out and another worker holds the job: the transaction must not be committed."""


_JOBS = table(Job)
_IS_KIND = _JOBS.c.kind == bindparam("of_kind")
_IS_OVER, _IS_FAR = (
    _JOBS.c.due_at <= bindparam("now", type_=UtcDateTime), _JOBS.c.due_at > bindparam("latest", type_=UtcDateTime)
)  # fmt: skip
_ANY_DUE = select(or_(exists().where(_IS_KIND, _IS_OVER), exists().where(_IS_KIND, _IS_FAR)))


def _claiming(due: Any) -> Any:
    """Return the UPDATE that claims the rows of `due`; rows that another transaction has locked are skipped."""
    return (
        update(_JOBS)
        .where(_JOBS.c.id.in_(due.with_for_update(skip_locked=True)))
        .values(
            claim_id=bindparam("claim"), due_at=bindparam("until", type_=UtcDateTime), attempts=_JOBS.c.attempts + 1
        )
        .returning(_JOBS.c.id, _JOBS.c.subject_id, _JOBS.c.attempts, _JOBS.c.request_id)
    )


_DUE = select(_JOBS.c.id).where(_IS_KIND, or_(_IS_OVER, _IS_FAR))
_CLAIM_FIRST = _claiming(_DUE.order_by(_JOBS.c.due_at, _JOBS.c.id).limit(bindparam("limit", type_=Integer)))
_CLAIM_THESE = with_lists(lambda among: _claiming(_DUE.where(among(_JOBS.c.id, "ids")).order_by(_JOBS.c.id)))
_RENEW = with_lists(
    lambda among: update(_JOBS)
    .where(among(_JOBS.c.id, "ids"), _JOBS.c.claim_id == bindparam("claim"))
    .values(due_at=bindparam("until", type_=UtcDateTime))
)
_FINISH = with_lists(
    lambda among: delete(_JOBS).where(among(_JOBS.c.id, "ids"), _JOBS.c.claim_id == bindparam("claim"))
)

_LONGEST = {"process": timedelta(minutes=1), "media": timedelta(hours=13), "media_later": timedelta(hours=13)}
_LONGEST_OF_OTHERS = timedelta(minutes=20)


def latest(kind: str, now: datetime) -> datetime:
    """Return the latest time at which a job of this kind can be due, claimed or not. A later time comes from a machine
    with a wrong clock, and counts as due."""
    return now + _LONGEST.get(kind, _LONGEST_OF_OTHERS)


def add(session: Session, kind: str, subject_id: str, due_at: datetime) -> None:
    """Insert a job; belongs into the transaction that writes its subject."""
    session.info[HAS_WORK] = True
    session.execute(
        insert(table(Job)),
        [{"kind": kind, "subject_id": subject_id, "due_at": due_at, "attempts": 0, "created_at": due_at}],
    )


def any_due(database: Database, kind: str, now: datetime) -> bool:
    """Return whether any job of this kind is due. Takes no lock. Raises `Unavailable`."""
    return database.is_any(_ANY_DUE, {"of_kind": kind, "now": now, "latest": latest(kind, now)}, kind)


class Waiting(NamedTuple):
    """A job that is not done, claimed or not."""

    id: int
    order_keys: str | None
    due_at: datetime


def unfinished(session: Session, kind: str, limit: int) -> list[Waiting]:
    """Return the first `limit` jobs of a kind in order of insertion, including claimed ones and ones not yet due."""
    query = select(Job.id, Job.order_keys, Job.due_at).where(Job.kind == kind)
    return [Waiting(*row) for row in session.execute(query.order_by(Job.id).limit(limit))]


def claim(session: Session, kind: str, *, now: datetime, lease: timedelta, limit: int) -> list[Claim]:
    """Claim at most `limit` due jobs, oldest first, until `now + lease`."""
    values = {"limit": limit, "of_kind": kind, "now": now, "latest": latest(kind, now)}
    return _claims(session, kind, _CLAIM_FIRST, values | {"until": now + lease})


def claim_these(session: Session, kind: str, ids: Sequence[int], *, now: datetime, lease: timedelta) -> list[Claim]:
    """Claim those of these jobs that still are due, until `now + lease`. Skips rows that others have locked."""
    values = {"ids": list(ids), "of_kind": kind, "now": now, "latest": latest(kind, now)}
    return _claims(session, kind, _CLAIM_THESE(session), values | {"until": now + lease})


def _claims(session: Session, kind: str, statement: Any, values: dict[str, Any]) -> list[Claim]:
    claim_id = new_id()
    rows = session.execute(statement, values | {"claim": claim_id}).all()
    return [Claim(row.id, claim_id, kind, row.subject_id, row.attempts, row.request_id) for row in sorted(rows)]


def undo_claim(session: Session, claims: Sequence[Claim], now: datetime) -> None:
    """Undo claims in the transaction that made them, without counting an attempt."""
    for claim_id, ids in _by_claim(claims).items():
        statement = update(Job).where(Job.id.in_(ids), Job.claim_id == claim_id)
        values = {"claim_id": None, "due_at": now, "attempts": Job.attempts - 1}
        session.execute(statement.values(values).execution_options(synchronize_session=False))


def renew(session: Session, claims: Sequence[Claim], until: datetime) -> None:
    """Extend leases to `until`. Must come first in a transaction that writes for these jobs. Raises `ClaimLost`."""
    _expect_all(session, claims, _RENEW(session), {"until": until})


def finish(session: Session, claims: Sequence[Claim]) -> None:
    """Delete jobs that are done. Raises `ClaimLost`; the caller's transaction must not be committed then."""
    _expect_all(session, claims, _FINISH(session), {})


def release(session: Session, claims: Sequence[Claim], due_at: datetime, reason: str | None = None) -> None:
    """Release claims: any worker may claim the jobs from `due_at` on. Jobs of lost claims are left unchanged."""
    for claim_id, ids in _by_claim(claims).items():
        session.execute(
            update(Job)
            .where(Job.id.in_(ids), Job.claim_id == claim_id)
            .values(claim_id=None, due_at=due_at, reason=reason)
            .execution_options(synchronize_session=False)
        )


def _expect_all(session: Session, claims: Sequence[Claim], statement: Any, values: dict[str, Any]) -> None:
    for claim_id, ids in _by_claim(claims).items():
        result = session.execute(statement, values | {"ids": ids, "claim": claim_id})
        assert isinstance(result, CursorResult)
        if result.rowcount != len(ids):
            raise ClaimLost


def _by_claim(claims: Sequence[Claim]) -> dict[str, list[int]]:
    grouped: dict[str, list[int]] = {}
    for item in claims:
        grouped.setdefault(item.claim_id, []).append(item.job_id)
    return grouped
