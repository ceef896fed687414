"""Search messages by their words, newest first.

Beside its words, the index holds facets of each message: tokens for its direction, type and number, which never change.
So one query of the index finds the messages with these words, this direction, type and number.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any

from sqlalchemy import Select, cast, column, delete, exists, join, literal, select
from sqlalchemy import table as named_table
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.orm import Session

from app.db.database import Database
from app.domain.search_terms import SearchTerm, contains_all, words_of
from app.models import Message, MessageDocument, MessageIndexQueue
from app.store import message_list
from app.store.many_rows import InsertMany
from app.store.message_list import MessageFilter, Place

FACET_PREFIX = "\ue000"
"""Every facet begins with this character of Unicode's private use area, which texts do not contain in practice."""

BATCH_SIZE = 500
COMMON_SHARE = 10
"""A prefix counts as common if more than one in this number of messages has it."""

SAMPLE_SIZE = 200
"""Number of the newest messages from which the frequency of words and of a status is estimated."""

_SECONDS_BITS, _FRACTION_BITS, _REST_BITS = 33, 10, 20
_ANY_WAITING = select(exists(select(MessageIndexQueue.message_id)))
_INDEX = named_table("search_index", column("rowid"))
_add = InsertMany(MessageDocument, "docid", "message_id", "words")


@dataclass(frozen=True, slots=True)
class QueuedMessage:
    """A message that is to be indexed, with the words of its document."""

    id: str
    timestamp: datetime
    words: str


def find(
    session: Session, words: Sequence[SearchTerm], filters: MessageFilter, *, limit: int, before: int | None
) -> list[tuple[int, str]]:
    """Return docid and message id of messages that match all terms, newest first, with docids below `before`."""
    common = _common_prefixes(session, words)
    asked = [word for word in words if word not in common]
    if not common:
        read = session.execute(_query(session, asked, filters, before).limit(limit))
        return [(docid, message_id) for docid, message_id in read]
    found: list[tuple[int, str]] = []
    while True:
        query = _query(session, asked, filters, before).add_columns(MessageDocument.words).limit(BATCH_SIZE)
        batch = session.execute(query).all()
        found += [(docid, name) for docid, name, has in batch if all(_has_prefix(has, each) for each in common)]
        if len(batch) < BATCH_SIZE or len(found) >= limit:
            return found[:limit]
        before = batch[-1][0]


def _query(
    session: Session, words: Sequence[SearchTerm], filters: MessageFilter, before: int | None
) -> Select[int, str]:
    of_message: list[Any] = list(message_list.rest(filters, {}))
    if filters.until is not None:
        of_message.append(Message.timestamp < filters.until)
    if filters.since is not None:
        of_message.append(Message.timestamp >= filters.since)
    documents: Any = MessageDocument
    if of_message:
        documents = join(MessageDocument, Message, Message.id == MessageDocument.message_id)
    place: Any = MessageDocument.docid
    conditions: list[Any] = []
    if _is_postgresql(session):
        conditions.append(MessageDocument.words.op("@@")(cast(literal(_tsquery(words, filters)), TSQUERY)))
    elif words or _facet_groups(filters):
        documents, place = join(_INDEX, documents, MessageDocument.docid == _INDEX.c.rowid), _INDEX.c.rowid
        conditions.append(text("search_index MATCH :words").bindparams(words=_fts5(words, filters)))
    if before is not None:
        conditions.append(place < before)
    if filters.until is not None:
        conditions.append(place <= docid_at(filters.until))
    if filters.since is not None:
        conditions.append(place >= docid_at(filters.since) >> _REST_BITS << _REST_BITS)
    query = select(MessageDocument.docid, MessageDocument.message_id).select_from(documents)
    return query.where(*conditions, *of_message).order_by(place.desc())


def _common_prefixes(session: Session, words: Sequence[SearchTerm]) -> list[SearchTerm]:
    """Return the prefixes that very many of the newest messages have; none on PostgreSQL.

    SQLite's index collects all messages of all words with a prefix before it returns the newest ones. For a common
    prefix it is faster to test one message after the other.
    """
    prefixes = [word for word in words if word.is_prefix]
    if not prefixes or _is_postgresql(session):
        return []
    query = select(MessageDocument.words).order_by(MessageDocument.docid.desc()).limit(BATCH_SIZE)
    texts = session.scalars(query).all()
    return [word for word in prefixes if sum(_has_prefix(text, word) for text in texts) * COMMON_SHARE > len(texts)]


def _has_prefix(text: str, beginning: SearchTerm) -> bool:
    """Return whether one of a document's words begins with the term."""
    return f" {beginning.word}" in f" {text}"


def _is_postgresql(session: Session) -> bool:
    return session.get_bind().dialect.name == "postgresql"


def find_among(
    session: Session,
    words: Sequence[SearchTerm],
    filters: MessageFilter,
    *,
    limit: int,
    before: Place | None,
    most: int | None = None,
) -> list[Place] | None:
    """Return the places of messages that match all terms by testing each message of the list, newest first.

    Suits lists with frequent matches. Returns None if `most` messages did not fill a page though there are more.
    """
    found: list[Place] = []
    read = 0
    while True:
        batch = message_list.texts(session, filters, limit=BATCH_SIZE, before=before)
        found += [(timestamp, message_id) for timestamp, message_id, text in batch if contains_all(text, words)]
        if len(batch) < BATCH_SIZE or len(found) >= limit:
            return found[:limit]
        read += len(batch)
        if most is not None and read >= most:
            return None
        before = batch[-1][:2]


def is_common(session: Session, words: Sequence[SearchTerm], filters: MessageFilter) -> bool:
    """Return whether more of the newest messages match the terms than have the status of the filters."""
    if filters.status is None:
        return False
    query = (
        select(Message.status, Message.message)
        .order_by(Message.timestamp.desc(), Message.id.desc())
        .limit(SAMPLE_SIZE)
    )
    newest = session.execute(query).all()
    of_status = sum(status == filters.status for status, _ in newest)
    return sum(contains_all(message, words) for _, message in newest) > of_status


def queued(session: Session, limit: int) -> list[QueuedMessage]:
    """Return the first `limit` queued messages that still exist, oldest first."""
    ids = select(MessageIndexQueue.message_id).order_by(MessageIndexQueue.message_id).limit(limit).subquery()
    query = select(
        Message.id,
        Message.message,
        Message.timestamp,
        Message.direction,
        Message.message_type,
        Message.phone_number_id,
    ).join(ids, ids.c.message_id == Message.id)
    return [QueuedMessage(row[0], row[2], document_words(row[1], *row[3:])) for row in session.execute(query)]


def any_waiting(database: Database) -> bool:
    """Return whether any message waits to be indexed. Raises `Unavailable`."""
    return database.is_any(_ANY_WAITING, {})


def queued_ids(session: Session) -> list[str]:
    """Return some queued message ids, including those of deleted messages."""
    return list(session.scalars(select(MessageIndexQueue.message_id).limit(BATCH_SIZE)))


def documents(session: Session, messages: Sequence[QueuedMessage]) -> list[dict[str, Any]]:
    """Return the rows of `message_documents` for these messages, by docid. Messages of one moment get docids of their
    own."""
    asked: set[int] = set()
    taken: set[int] = set()
    chosen = _free_docids(messages, taken)
    # What is next to a taken docid may be taken as well, so each choice is looked up.
    while unasked := chosen.keys() - asked:
        taken.update(session.scalars(select(MessageDocument.docid).where(MessageDocument.docid.in_(unasked))))
        asked |= unasked
        chosen = _free_docids(messages, taken)
    in_order = sorted(chosen.items(), key=itemgetter(0))
    return [{"docid": docid, "message_id": each.id, "words": each.words} for docid, each in in_order]


def _free_docids(messages: Sequence[QueuedMessage], taken: Collection[int]) -> dict[int, QueuedMessage]:
    """Return each message by its own docid, or by the next one that nobody has."""
    chosen: dict[int, QueuedMessage] = {}
    for each in messages:
        docid = docid_at(each.timestamp, each.id)
        while docid in taken or docid in chosen:
            docid += 1
        chosen[docid] = each
    return chosen


def dequeue(session: Session, ids: Collection[str]) -> set[str]:
    """Remove messages from the queue; return the ids of those that were in it and still exist. The caller indexes them
    in the same transaction."""
    statement = delete(MessageIndexQueue).where(MessageIndexQueue.message_id.in_(ids))
    taken = session.scalars(
        statement.returning(MessageIndexQueue.message_id).execution_options(synchronize_session=False)
    ).all()
    query = select(Message.id).where(Message.id.in_(taken)).with_for_update(key_share=True, read=True)
    return set(session.scalars(query))


def add(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows of `documents`."""
    _add.of_mappings(session.connection(), rows)


def docid_at(timestamp: datetime, message_id: str | None = None) -> int:
    """Return the docid of a message of this time; without a message id, the last docid of that time. Times outside of
    33 bits are clamped."""
    seconds = min(max(timestamp.timestamp(), 0.0), 2.0**_SECONDS_BITS - 1)
    low = (1 << _REST_BITS) - 1
    # Leaves room at the end for messages whose docid is taken.
    offset = low if message_id is None else zlib.crc32(message_id.encode()) % (low - 4096)
    return int(seconds * (1 << _FRACTION_BITS)) << _REST_BITS | offset


def document_words(text: str, direction: str, message_type: str, number: str) -> str:
    """Return what the index holds of a message: its words, and the facets by which searches are narrowed."""
    return " ".join((*words_of(text), *_facets(direction, message_type, number)))


def _facets(direction: str, message_type: str, number: str) -> tuple[str, ...]:
    kinds = zip("dtn", (direction, message_type, number), strict=True)
    return tuple(f"{FACET_PREFIX}{kind}{value}" for kind, value in kinds if _is_plain(value))


def _is_plain(value: str) -> bool:
    """Return whether the tokenisers of SQLite and PostgreSQL both keep a value as one token."""
    return value.isascii() and value.replace("_", "x").isalnum() and "_" not in value


def _facet_groups(filters: MessageFilter) -> list[list[str]]:
    """Return the facets to search for: a message must have one of each list."""
    given = {"d": filters.direction, "t": filters.type}
    found = [
        [f"{FACET_PREFIX}{kind}{value}"] for kind, value in given.items() if value is not None and _is_plain(value)
    ]
    numbers = filters.allowed_numbers()
    if numbers and all(_is_plain(number) for number in numbers):
        found.append([f"{FACET_PREFIX}n{number}" for number in numbers])
    return found


def _fts5(words: Sequence[SearchTerm], filters: MessageFilter) -> str:
    terms = [f'"{wanted.word}"{" *" if wanted.is_prefix else ""}' for wanted in words]
    facets = ["(" + " OR ".join(f'"{mark}"' for mark in some) + ")" for some in _facet_groups(filters)]
    return " AND ".join(terms + facets)


def _tsquery(words: Sequence[SearchTerm], filters: MessageFilter) -> str:
    terms = [f"'{wanted.word}'{':*' if wanted.is_prefix else ''}" for wanted in words]
    facets = ["(" + " | ".join(f"'{mark}'" for mark in some) + ")" for some in _facet_groups(filters)]
    return " & ".join(terms + facets)
