"""Answer the API's lists, searches and look-ups of messages."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from app.db.database import Database
from app.domain.messages import Message
from app.domain.search_terms import SearchTerm
from app.errors import NotFound
from app.store import contacts, message_list, message_search, messages
from app.store.events import StoredEvent
from app.store.message_list import MessageFilter, Place

Cursor = Place | int
"""The end of a page: the place of a message in the list, or a docid of the search index."""


def list_messages(
    database: Database, filters: MessageFilter, words: Sequence[SearchTerm] = (), *, limit: int, before: Cursor | None
) -> tuple[list[Message], Cursor | None]:
    """Return a page of messages, newest first, and the cursor of the next page. All `words` must match.

    The kind of the cursor says whether the pages come from the list or from the search index, so that the next page
    continues in the same way. Raises `Unavailable`.
    """
    with database.read() as session:
        found: Sequence[tuple[Cursor, str]]
        places = _places(session, filters, words, limit, before)
        if places is None:
            after = before if isinstance(before, int) else None
            found = message_search.find(session, words, filters, limit=limit, before=after)
        else:
            found = [(each, each[1]) for each in places]
        following = found[-1][0] if len(found) == limit else None
        return message_list.read(session, [message_id for _, message_id in found]), following


def _places(
    session: Session, filters: MessageFilter, words: Sequence[SearchTerm], limit: int, before: Cursor | None
) -> list[Place] | None:
    """Return a page of the list whose messages match the words; None if the search index is the faster way."""
    place = before if isinstance(before, tuple) else None
    if not words:
        return message_list.places(session, filters, limit=limit, before=place)
    if place:
        return message_search.find_among(session, words, filters, limit=limit, before=place)
    size = message_list.size(session, filters) if before is None else message_list.MANY
    if size < message_list.FEW or (
        size < message_list.MANY and message_search.is_common(session, words, filters)
    ):
        return message_search.find_among(session, words, filters, limit=limit, before=None, most=message_list.FEW)
    return None


def find_message(database: Database, message_id: str, numbers: tuple[str, ...] | None) -> Message:
    """Return a message by our id or a wamid. Raises `NotFound`, also for a message of a number outside `numbers`."""
    with database.read() as session:
        row = messages.find(session, message_id, numbers) if "\x00" not in message_id else None
        if row is None:
            raise NotFound("No message has this id.")
        owner = contacts.find_many(session, [row.contact_id]) if row.contact_id else {}
        return messages.to_domain(row, owner.get(row.contact_id or ""))


def is_revoked(database: Database, event: StoredEvent) -> bool:
    """Whether an event is an inbound message that its sender has revoked meanwhile. Raises `Unavailable`."""
    if event.type != "message.received" or event.message_id is None:
        return False
    with database.read() as session:
        row = messages.rows_of(session, [event.message_id]).get(event.message_id)
        return row is not None and "revoked" in row.flags
