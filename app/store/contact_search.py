"""Contacts by their names: every word of what a person, or the team, calls them, and `@` and the whole username."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, exists, insert, select
from sqlalchemy.orm import Session

from app.db.database import Database
from app.domain.search_terms import Wanted, words_of
from app.models import Contact, ContactAlias, ContactNumber, ContactWord, UnsearchedContact
from app.models.base import table

_ANY_WAITING = select(exists(select(UnsearchedContact.contact_id)))
_LAST = "\U0010ffff"


def known_as(session: Session, names: Sequence[str]) -> list[str]:
    """The contacts that Meta knows, or knew, by any of these names: who goes by the first one now comes first."""
    query = select(ContactAlias).where(
        ContactAlias.kind.in_(("wa_id", "user_id", "parent_user_id")), ContactAlias.value.in_(names)
    )
    found = sorted(session.scalars(query), key=lambda alias: (alias.until is not None, names.index(alias.value)))
    return list(dict.fromkeys(alias.contact_id for alias in found))


def called(words: Sequence[Wanted], username: str | None) -> list[ColumnElement[bool]]:
    """That a contact has all of these words, each as a beginning, and this username."""
    ranges = [(each.word, each.word + _LAST) for each in words]
    if username is not None:
        ranges.append((token := _username(username), token))
    return [
        Contact.id.in_(select(ContactWord.contact_id).where(ContactWord.word >= low, ContactWord.word <= high))
        for low, high in ranges
    ]


def of_number(phone_number_id: str, before: str | None) -> Select[str]:
    """The ids of contacts of which a number of ours knows something, newest first, as its index has them."""
    query = select(ContactNumber.contact_id).where(ContactNumber.phone_number_id == phone_number_id)
    if before is not None:
        query = query.where(ContactNumber.contact_id < before)
    return query.order_by(ContactNumber.contact_id.desc())


def knows(phone_number_id: str) -> ColumnElement[bool]:
    """The same as a condition on few contacts."""
    return exists().where(ContactNumber.contact_id == Contact.id, ContactNumber.phone_number_id == phone_number_id)


def any_waiting(database: Database) -> bool:
    """Whether words are still to be written."""
    return bool(database.look(_ANY_WAITING, {}))


def write_words(session: Session, limit: int) -> bool:
    """Write the words of some contacts that wait for it; False when none did."""
    ids = list(session.scalars(select(UnsearchedContact.contact_id).limit(limit).with_for_update(skip_locked=True)))
    if not ids:
        return False
    session.execute(delete(ContactWord).where(ContactWord.contact_id.in_(ids)))
    session.execute(delete(UnsearchedContact).where(UnsearchedContact.contact_id.in_(ids)))
    # No contact is locked: who changes one meanwhile waits for its note, and leaves another; see migration 0018.
    rows = select(Contact.id, Contact.name, Contact.given_name, Contact.username).where(Contact.id.in_(ids))
    words = [row for each in session.execute(rows).all() for row in _words(each)]
    if words:
        session.execute(insert(table(ContactWord)), words)
    return True


def _words(contact: Any) -> list[dict[str, str]]:
    names: Collection[str | None] = (contact.name, contact.given_name, contact.username)
    found = set().union(*(words_of(name) for name in names if name))
    if contact.username:
        found.add(_username(contact.username))
    return [{"word": word, "contact_id": contact.id} for word in sorted(found)]


def _username(text: str) -> str:
    return f"@{text.removeprefix('@').lower()[:100]}"
