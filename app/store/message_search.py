"""Messages by their words, newest first.

The index holds beside each message's words some marks: tokens, no words of anybody's, for what never changes about it.
So what is asked for by words, direction, type and number is found in one go.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, bindparam, cast, column, delete, exists, insert, join, literal, select
from sqlalchemy import table as named_table
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.orm import Session

from app.db.database import Database
from app.domain.search_terms import Wanted, holds, words_of
from app.models import Message, MessageDocument, UnsearchedMessage
from app.models.base import table
from app.store import message_list
from app.store.message_list import MessageFilter, Place

MARK = "\ue000"
"""For private use, says Unicode: what begins with it is a mark, at least if nobody sets out to confuse us."""

PORTION = 500
COMMON = 10
"""What one message in so many has is common."""

SAMPLE = 200
"""So many of the newest messages tell how common a word and a status are."""

_SECONDS_BITS, _FRACTION_BITS, _REST_BITS = 33, 10, 20
_ANY_WAITING = select(exists(select(UnsearchedMessage.message_id)))
_INDEX = named_table("search_index", column("rowid"))


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message whose words are still to be written."""

    id: str
    message: str
    timestamp: datetime
    marks: tuple[str, ...]


def find(
    session: Session, words: Sequence[Wanted], filters: MessageFilter, *, limit: int, before: int | None
) -> list[tuple[int, str]]:
    """Newest first, as docid and message id, below the docid `before`. All words must be in the message."""
    common = _common_beginnings(session, words)
    asked = [word for word in words if word not in common]
    if not common:
        read = session.execute(_query(session, asked, filters, before).limit(limit))
        return [(docid, message_id) for docid, message_id in read]
    found: list[tuple[int, str]] = []
    while True:
        query = _query(session, asked, filters, before).add_columns(MessageDocument.words).limit(PORTION)
        portion = session.execute(query).all()
        found += [(docid, name) for docid, name, has in portion if all(_begins(has, each) for each in common)]
        if len(portion) < PORTION or len(found) >= limit:
            return found[:limit]
        before = portion[-1][0]


def _query(
    session: Session, words: Sequence[Wanted], filters: MessageFilter, before: int | None
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
    elif words or _asked(filters):
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


def _common_beginnings(session: Session, words: Sequence[Wanted]) -> list[Wanted]:
    """Beginnings that very many of the newest messages have.

    SQLite's index gathers all messages of all words that begin so before it gives out the newest. Where these are many,
    the newest are found sooner by looking at one message after the other.
    """
    beginnings = [word for word in words if word.is_beginning]
    if not beginnings or _is_postgresql(session):
        return []
    query = select(MessageDocument.words).order_by(MessageDocument.docid.desc()).limit(PORTION)
    texts = session.scalars(query).all()
    return [word for word in beginnings if sum(_begins(text, word) for text in texts) * COMMON > len(texts)]


def _begins(text: str, beginning: Wanted) -> bool:
    """Whether one of a document's words begins so."""
    return f" {beginning.word}" in f" {text}"


def _is_postgresql(session: Session) -> bool:
    return session.get_bind().dialect.name == "postgresql"


def find_among(
    session: Session,
    words: Sequence[Wanted],
    filters: MessageFilter,
    *,
    limit: int,
    before: Place | None,
    most: int | None = None,
) -> list[Place] | None:
    """The same of a list in which they are soon found: it is read, and each message looked at.

    None if a page is not found among `most` of its messages, though there are more.
    """
    found: list[Place] = []
    read = 0
    while True:
        portion = message_list.texts(session, filters, limit=PORTION, before=before)
        found += [(timestamp, message_id) for timestamp, message_id, text in portion if holds(text, words)]
        if len(portion) < PORTION or len(found) >= limit:
            return found[:limit]
        read += len(portion)
        if most is not None and read >= most:
            return None
        before = portion[-1][:2]


def is_rather_common(session: Session, words: Sequence[Wanted], filters: MessageFilter) -> bool:
    """Whether more of the newest messages have these words than the status asked for."""
    if filters.status is None:
        return False
    query = select(Message.status, Message.message).order_by(Message.timestamp.desc(), Message.id.desc()).limit(SAMPLE)
    newest = session.execute(query).all()
    of_status = sum(status == filters.status for status, _ in newest)
    return sum(holds(message, words) for _, message in newest) > of_status


def waiting(session: Session, limit: int) -> list[Waiting]:
    """Messages whose words are still to be written, oldest first."""
    ids = select(UnsearchedMessage.message_id).order_by(UnsearchedMessage.message_id).limit(limit).subquery()
    query = select(
        Message.id, Message.message, Message.timestamp, Message.direction, Message.message_type, Message.phone_number_id
    ).join(ids, ids.c.message_id == Message.id)
    return [Waiting(row[0], row[1], row[2], _marks(*row[3:])) for row in session.execute(query)]


def any_waiting(database: Database) -> bool:
    """Whether words of any message are still to be written. Raises `Unavailable`."""
    return bool(database.look(_ANY_WAITING, {}))


def ids_waiting(session: Session) -> list[str]:
    """Ids of some of those that wait, among them those of messages that are gone."""
    return list(session.scalars(select(UnsearchedMessage.message_id).limit(PORTION)))


def documents(session: Session, messages: Sequence[Waiting]) -> list[dict[str, Any]]:
    """Their rows of `message_documents`, ascending. Messages of one moment get docids that nobody has."""
    wanted_ids = {each.id: docid_at(each.timestamp, each.id) for each in messages}
    query = select(MessageDocument.docid).where(MessageDocument.docid.in_(wanted_ids.values()))
    taken = set(session.scalars(query))
    found = []
    for each in messages:
        docid = wanted_ids[each.id]
        while docid in taken:
            docid += 1
        taken.add(docid)
        found.append({"docid": docid, "message_id": each.id, "words": " ".join((*words_of(each.message), *each.marks))})
    return sorted(found, key=lambda row: row["docid"])


def take(session: Session, ids: Collection[str]) -> set[str]:
    """Messages of these that still wait, which is then over: the caller writes their words in this transaction."""
    statement = delete(UnsearchedMessage).where(UnsearchedMessage.message_id.in_(ids))
    taken = session.scalars(
        statement.returning(UnsearchedMessage.message_id).execution_options(synchronize_session=False)
    ).all()
    query = select(Message.id).where(Message.id.in_(taken)).with_for_update(key_share=True, read=True)
    return set(session.scalars(query))


def add(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Write words."""
    target = table(MessageDocument)
    words = cast(bindparam("words"), target.c.words.type)
    values = {"docid": bindparam("docid"), "message_id": bindparam("message_id"), "words": words}
    session.execute(insert(target).values(values), rows)


def docid_at(timestamp: datetime, message_id: str | None = None) -> int:
    """Where a message of this time stands; without one, where a time ends. Times outside of 33 bits stand at an end."""
    seconds = min(max(timestamp.timestamp(), 0.0), 2.0**_SECONDS_BITS - 1)
    low = (1 << _REST_BITS) - 1
    # Room is left at the end for those that find their place taken.
    offset = low if message_id is None else zlib.crc32(message_id.encode()) % (low - 4096)
    return int(seconds * (1 << _FRACTION_BITS)) << _REST_BITS | offset


def _marks(direction: str, message_type: str, number: str) -> tuple[str, ...]:
    kinds = zip("dtn", (direction, message_type, number), strict=True)
    return tuple(f"{MARK}{kind}{value}" for kind, value in kinds if _is_plain(value))


def _is_plain(value: str) -> bool:
    """Whether a value makes one token, whoever cuts the text into tokens."""
    return value.isascii() and value.replace("_", "x").isalnum() and "_" not in value


def _asked(filters: MessageFilter) -> list[list[str]]:
    """Marks to look for: of each list, one must be there."""
    given = {"d": filters.direction, "t": filters.type}
    found = [[f"{MARK}{kind}{value}"] for kind, value in given.items() if value is not None and _is_plain(value)]
    numbers = filters.allowed_numbers()
    if numbers and all(_is_plain(number) for number in numbers):
        found.append([f"{MARK}n{number}" for number in numbers])
    return found


def _fts5(words: Sequence[Wanted], filters: MessageFilter) -> str:
    terms = [f'"{wanted.word}"{" *" if wanted.is_beginning else ""}' for wanted in words]
    marks = ["(" + " OR ".join(f'"{mark}"' for mark in some) + ")" for some in _asked(filters)]
    return " AND ".join(terms + marks)


def _tsquery(words: Sequence[Wanted], filters: MessageFilter) -> str:
    terms = [f"'{wanted.word}'{':*' if wanted.is_beginning else ''}" for wanted in words]
    marks = ["(" + " | ".join(f"'{mark}'" for mark in some) + ")" for some in _asked(filters)]
    return " & ".join(terms + marks)
