"""Rows of the audit log: insert, seal, read, erase and prune them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, exists, func, insert, or_, select, update
from sqlalchemy.orm import Session

from app.domain.audit_chain import START, Link
from app.models import AuditEntry, AuditHead, Message
from app.models.base import table
from app.store.dialect import insert_new

_ENTRIES = table(AuditEntry)
_SEAL = (
    update(_ENTRIES)
    .where(_ENTRIES.c.id == bindparam("entry_id"))
    .values(place=bindparam("new_place"), hash=bindparam("new_hash"))
)
_ERASE = (
    update(_ENTRIES)
    .where(_ENTRIES.c.id == bindparam("entry_id"))
    .values(details=bindparam("new_details"), salt=None)
)


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries; None stands for any. `act` ending in a dot selects all acts that begin with it."""

    actor: str | None = None
    act: str | None = None
    subject: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def add(session: Session, values: dict[str, Any]) -> None:
    """Insert an entry, which is not sealed yet."""
    session.execute(insert(_ENTRIES), [values])


def has_unsealed(session: Session) -> bool:
    """Return whether an entry waits to be sealed."""
    return bool(session.scalar(select(exists().where(AuditEntry.hash.is_(None)))))


def count_unsealed(session: Session) -> int:
    """Count the entries that wait to be sealed."""
    return session.scalar(select(func.count()).where(AuditEntry.hash.is_(None))) or 0


def lock_head(session: Session) -> AuditHead:
    """Return the row with the ends of the chain, locked until the transaction ends. Inserts it if there is none."""
    first = {"id": 1, "place": 0, "hash": START, "base_place": 0, "base_hash": START}
    session.execute(insert_new(session, AuditHead), [first])
    return session.scalars(select(AuditHead).with_for_update()).one()


def find_head(session: Session) -> AuditHead | None:
    """Return the row with the ends of the chain; None before anything was sealed."""
    return session.get(AuditHead, 1)


def unsealed(session: Session, limit: int) -> Sequence[AuditEntry]:
    """Return entries that wait to be sealed, in the order of their ids."""
    return session.scalars(
        select(AuditEntry).where(AuditEntry.hash.is_(None)).order_by(AuditEntry.id).limit(limit)
    ).all()


def seal(session: Session, rows: Sequence[tuple[int, int, str]]) -> None:
    """Set place and hash of entries; each row is id, place and hash."""
    session.connection().execute(
        _SEAL, [{"entry_id": id, "new_place": place, "new_hash": hash} for id, place, hash in rows]
    )


def chain(session: Session, after: int = 0) -> Iterator[AuditEntry]:
    """Yield the sealed entries with a place above `after`, in the chain's order."""
    while rows := session.scalars(
        select(AuditEntry).where(AuditEntry.place > after).order_by(AuditEntry.place).limit(500)
    ).all():
        yield from rows
        after = rows[-1].place or 0
        session.expunge_all()


def page(session: Session, wanted: AuditFilter, *, limit: int, before: int | None = None) -> list[AuditEntry]:
    """Return up to `limit` entries, newest first, with ids below `before`."""
    query = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(limit)
    if before is not None:
        query = query.where(AuditEntry.id < before)
    if wanted.actor is not None:
        query = query.where(AuditEntry.actor == wanted.actor)
    if wanted.act is not None:
        is_group = wanted.act.endswith(".")
        query = query.where(
            AuditEntry.act.startswith(wanted.act, autoescape=True) if is_group else AuditEntry.act == wanted.act
        )
    if wanted.subject is not None:
        query = query.where(AuditEntry.subject == wanted.subject)
    if wanted.since is not None:
        query = query.where(AuditEntry.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(AuditEntry.at < wanted.until)
    return list(session.scalars(query))


def about(session: Session, subjects: Sequence[str], contact_id: str, needles: Sequence[str]) -> list[AuditEntry]:
    """Return the entries with details about a person: by subject, the person's messages, or a text in the details.

    Scans the details of all entries.
    """
    of_messages = exists().where(Message.contact_id == contact_id, AuditEntry.subject == "message:" + Message.id)
    holds = [AuditEntry.details.contains(needle, autoescape=True) for needle in needles]
    query = select(AuditEntry).where(
        AuditEntry.salt.is_not(None), or_(AuditEntry.subject.in_(subjects), of_messages, *holds)
    )
    return list(session.scalars(query))


def erase(session: Session, rows: Sequence[tuple[int, str]]) -> None:
    """Replace the details of entries, and delete their salts; each row is id and new details."""
    if rows:
        session.connection().execute(_ERASE, [{"entry_id": id, "new_details": text} for id, text in rows])


def oldest_sealed(session: Session, before: datetime, limit: int) -> Sequence[AuditEntry]:
    """Return the first sealed entries of the chain, as far as they are older than `before`, without a gap."""
    query = select(AuditEntry).where(AuditEntry.place.is_not(None)).order_by(AuditEntry.place).limit(limit)
    found = []
    for entry in session.scalars(query):
        if entry.at >= before:
            break
        found.append(entry)
    return found


def delete_up_to(session: Session, place: int) -> None:
    """Delete the sealed entries up to a place."""
    session.execute(delete(AuditEntry).where(AuditEntry.place <= place))


def to_link(entry: AuditEntry) -> Link:
    """Return an entry as the chain sees it."""
    return Link(
        entry.place, entry.at, entry.actor, entry.act, entry.subject, entry.details, entry.salt, entry.commitment,
        entry.hash,
    )  # fmt: skip
