"""Job rows: claimed for a while, fenced by the claim, deleted when done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, CursorResult, bindparam, delete, exists, insert, or_, select, update
from sqlalchemy.orm import Session

from app.db.database import Database
from app.ids import new_id
from app.models import Job
from app.models.base import UtcDateTime, table


@dataclass(frozen=True, slots=True)
class Claim:
    """A job that is ours until its lease ends."""

    job_id: int
    claim_id: str
    kind: str
    subject_id: str
    attempts: int
    request_id: str | None


class ClaimLost(Exception):
    """The lease ran out and somebody else has the job: whatever we were about to write must not be written."""


_JOBS = table(Job)
_IS_KIND = _JOBS.c.kind == bindparam("of_kind")
_ANY_DUE = select(
    or_(
        exists().where(_IS_KIND, _JOBS.c.due_at <= bindparam("now", type_=UtcDateTime)),
        exists().where(_IS_KIND, _JOBS.c.due_at > bindparam("latest", type_=UtcDateTime)),
    )
)
_LONGEST = {"process": timedelta(minutes=1)}
_LONGEST_OF_OTHERS = timedelta(minutes=20)


def latest(kind: str, now: datetime) -> datetime:
    """When a job of this kind is due at the latest, claimed or not. One that is due later is the work of a wrong clock,
    and is taken to be due."""
    return now + _LONGEST.get(kind, _LONGEST_OF_OTHERS)


def add(session: Session, kind: str, subject_id: str, due_at: datetime) -> None:
    """Write a job, in the transaction of what it is about."""
    session.execute(
        insert(table(Job)),
        [{"kind": kind, "subject_id": subject_id, "due_at": due_at, "attempts": 0, "created_at": due_at}],
    )


def any_due(database: Database, kind: str, now: datetime) -> bool:
    """Whether a claim would find something. Raises `Unavailable`."""
    return bool(database.look(_ANY_DUE, {"of_kind": kind, "now": now, "latest": latest(kind, now)}))


class Waiting(NamedTuple):
    """A job that is not done, whoever has it."""

    id: int
    order_keys: str | None
    due_at: datetime


def unfinished(session: Session, kind: str, limit: int) -> list[Waiting]:
    """The first jobs that are not done, claimed and not yet due ones too, in the order in which they were written."""
    query = select(Job.id, Job.order_keys, Job.due_at).where(Job.kind == kind)
    return [Waiting(*row) for row in session.execute(query.order_by(Job.id).limit(limit))]


def claim(session: Session, kind: str, *, now: datetime, lease: timedelta, limit: int) -> list[Claim]:
    """Take due jobs, oldest first, until `now + lease`."""
    due = select(Job.id).where(Job.kind == kind, _is_due(kind, now)).order_by(Job.due_at, Job.id).limit(limit)
    return _claim(session, due, kind, now + lease)


def claim_these(session: Session, kind: str, ids: Sequence[int], *, now: datetime, lease: timedelta) -> list[Claim]:
    """Take those of these jobs that are due, until `now + lease`, as far as nobody else has them by now."""
    due = select(Job.id).where(Job.id.in_(ids), Job.kind == kind, _is_due(kind, now)).order_by(Job.id)
    return _claim(session, due, kind, now + lease)


def _is_due(kind: str, now: datetime) -> ColumnElement[bool]:
    return or_(Job.due_at <= now, Job.due_at > latest(kind, now))


def _claim(session: Session, due: Any, kind: str, until: datetime) -> list[Claim]:
    claim_id = new_id()
    statement = (
        update(Job)
        .where(Job.id.in_(due.with_for_update(skip_locked=True)))
        .values(claim_id=claim_id, due_at=until, attempts=Job.attempts + 1)
        .returning(Job.id, Job.subject_id, Job.attempts, Job.request_id)
        .execution_options(synchronize_session=False)
    )
    rows = session.execute(statement).all()
    return [Claim(row.id, claim_id, kind, row.subject_id, row.attempts, row.request_id) for row in sorted(rows)]


def unclaim(session: Session, claims: Sequence[Claim], now: datetime) -> None:
    """Take a claim back in the transaction that made it, as if it had not been."""
    for claim_id, ids in _by_claim(claims).items():
        statement = update(Job).where(Job.id.in_(ids), Job.claim_id == claim_id)
        values = {"claim_id": None, "due_at": now, "attempts": Job.attempts - 1}
        session.execute(statement.values(values).execution_options(synchronize_session=False))


def renew(session: Session, claims: Sequence[Claim], until: datetime) -> None:
    """Lengthen the lease, first thing in a transaction that writes for these jobs. Raises `ClaimLost`."""
    _expect_all(session, claims, update(Job).values(due_at=until).execution_options(synchronize_session=False))


def finish(session: Session, claims: Sequence[Claim]) -> None:
    """Delete jobs that are done. Raises `ClaimLost`, and then the caller's transaction must not be committed."""
    _expect_all(session, claims, delete(Job).execution_options(synchronize_session=False))


def give_back(session: Session, claims: Sequence[Claim], due_at: datetime, reason: str | None = None) -> None:
    """Let anybody take these jobs again from `due_at` on. Those that are no longer ours are left alone."""
    for claim_id, ids in _by_claim(claims).items():
        session.execute(
            update(Job)
            .where(Job.id.in_(ids), Job.claim_id == claim_id)
            .values(claim_id=None, due_at=due_at, reason=reason)
            .execution_options(synchronize_session=False)
        )


def _expect_all(session: Session, claims: Sequence[Claim], statement) -> None:  # type: ignore[no-untyped-def]
    for claim_id, ids in _by_claim(claims).items():
        result = session.execute(statement.where(Job.id.in_(ids), Job.claim_id == claim_id))
        assert isinstance(result, CursorResult)
        if result.rowcount != len(ids):
            raise ClaimLost


def _by_claim(claims: Sequence[Claim]) -> dict[str, list[int]]:
    grouped: dict[str, list[int]] = {}
    for item in claims:
        grouped.setdefault(item.claim_id, []).append(item.job_id)
    return grouped
