"""Search contacts by the words of their names (the person's own and the team's), or by `@` and the whole username."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, exists, select
from sqlalchemy.orm import Session

from app.db.database import Database
from app.domain.search_terms import SearchTerm, words_of
from app.models import Contact, ContactAlias, ContactIndexQueue, ContactNumber, ContactWord
from app.store.many_rows import InsertMany

_ANY_WAITING = select(exists(select(ContactIndexQueue.contact_id)))
_LAST = "\U0010ffff"
_add_words = InsertMany(ContactWord, "word", "contact_id")


def find_by_names(session: Session, names: Sequence[str]) -> list[str]:
    """Return the ids of contacts with one of these aliases, present ones before ended ones, in the order of `names`."""
    query = select(ContactAlias).where(
        ContactAlias.kind.in_(("wa_id", "user_id", "parent_user_id")), ContactAlias.value.in_(names)
    )
    found = sorted(session.scalars(query), key=lambda alias: (alias.until is not None, names.index(alias.value)))
    return list(dict.fromkeys(alias.contact_id for alias in found))


def matching_words(words: Sequence[SearchTerm], username: str | None) -> list[ColumnElement[bool]]:
    """Return the conditions that a contact's names have words with all of these prefixes, and this username."""
    ranges = [(each.word, each.word + _LAST) for each in words]
    if username is not None:
        ranges.append((token := _username(username), token))
    return [
        Contact.id.in_(select(ContactWord.contact_id).where(ContactWord.word >= low, ContactWord.word <= high))
        for low, high in ranges
    ]


def of_number(phone_number_id: str, before: str | None) -> Select[str]:
    """Return a query for the ids of contacts that a number knows, newest first, below `before`; read from an index."""
    query = select(ContactNumber.contact_id).where(ContactNumber.phone_number_id == phone_number_id)
    if before is not None:
        query = query.where(ContactNumber.contact_id < before)
    return query.order_by(ContactNumber.contact_id.desc())


def is_known_to(phone_number_id: str) -> ColumnElement[bool]:
    """Return the condition that a number knows the contact; suits queries that yield few contacts."""
    return exists().where(ContactNumber.contact_id == Contact.id, ContactNumber.phone_number_id == phone_number_id)


def any_waiting(database: Database) -> bool:
    """Return whether any contact waits to be indexed."""
    return database.is_any(_ANY_WAITING, {})


def write_words(session: Session, limit: int) -> bool:
    """Index at most `limit` queued contacts; return False if none was queued."""
    ids = list(session.scalars(select(ContactIndexQueue.contact_id).limit(limit).with_for_update(skip_locked=True)))
    if not ids:
        return False
    session.execute(delete(ContactWord).where(ContactWord.contact_id.in_(ids)))
    session.execute(delete(ContactIndexQueue).where(ContactIndexQueue.contact_id.in_(ids)))
    # Contacts are not locked: a transaction that changes one meanwhile queues it again; see migration 0018.
    rows = select(Contact.id, Contact.name, Contact.given_name, Contact.username).where(Contact.id.in_(ids))
    words = [row for each in session.execute(rows).all() for row in _words(each)]
    if words:
        _add_words.of_mappings(session.connection(), words)
    return True


def _words(contact: Any) -> list[dict[str, str]]:
    names: Collection[str | None] = (contact.name, contact.given_name, contact.username)
    found = set().union(*(words_of(name) for name in names if name))
    if contact.username:
        found.add(_username(contact.username))
    return [{"word": word, "contact_id": contact.id} for word in sorted(found)]


def _username(text: str) -> str:
    return f"@{text.removeprefix('@').lower()[:100]}"
