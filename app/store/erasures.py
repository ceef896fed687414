"""Rows of erased people: hashes of their ids, and the key of these hashes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models import Contact, ContactAlias, ErasedName, ErasureKey
from app.models.base import table
from app.store.dialect import insert_new, insert_or_update


def find_key(session: Session) -> str | None:
    """Return the encrypted key of the hashes; None before the first erasure."""
    row = session.get(ErasureKey, 1)
    return None if row is None else row.wrapped


def add_key(session: Session, wrapped: str) -> str:
    """Insert the encrypted key unless there is one; return the stored one."""
    session.execute(insert_new(session, ErasureKey), [{"id": 1, "wrapped": wrapped}])
    return session.scalars(select(ErasureKey.wrapped)).one()


def add(session: Session, hashes: Mapping[str, datetime]) -> None:
    """Insert hashes of erased people, each with the time of the erasure. A later time replaces an earlier one."""
    if not hashes:
        return
    statement = insert_or_update(session, ErasedName)
    new, old = statement.excluded.erased_at, table(ErasedName).c.erased_at
    statement = statement.on_conflict_do_update(index_elements=["hash"], set_={"erased_at": new}, where=new > old)
    session.execute(statement, [{"hash": hash, "erased_at": at} for hash, at in hashes.items()])


def all_hashes(session: Session) -> dict[str, datetime]:
    """Return every hash with the time of the erasure."""
    return {row.hash: row.erased_at for row in session.execute(select(ErasedName.hash, ErasedName.erased_at))}


def known_names(session: Session) -> Iterable[tuple[str, str, str, datetime]]:
    """Return kind, value, contact id, and when the contact was made, of every id of a contact."""
    query = select(ContactAlias.kind, ContactAlias.value, ContactAlias.contact_id, Contact.created_at)
    found = session.execute(query.join(Contact, Contact.id == ContactAlias.contact_id))
    return [(row.kind, row.value, row.contact_id, row.created_at) for row in found]
