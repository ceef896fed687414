"""Lists of messages, newest first, with any combination of filters.

An index returns rows in order only for equality filters on its first columns. This module chooses the index, because
SQLite does not know how many rows a value has. Other filters are checked row by row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, literal, or_, select, tuple_, union_all
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.domain.messages import ContactRef
from app.domain.messages import Message as DomainMessage
from app.domain.person_names import names_of
from app.models import Contact, ContactAlias, Message
from app.models.base import table

Place = tuple[datetime, str]
"""Timestamp and id of the last message of a page."""

Stream = dict[InstrumentedAttribute[Any], str]
"""The first columns of an index and their values. Read in this index, such messages come newest first."""

_MESSAGE, _CONTACT = table(Message), table(Contact)
_MESSAGE_FIELDS = tuple(each.name for each in fields(DomainMessage) if each.name not in ("contact", "channel"))
_MESSAGE_NAMES = tuple("wamid" if name == "message_id" else name for name in _MESSAGE_FIELDS)
_CONTACT_NAMES = tuple(each.name for each in fields(ContactRef))

DIRECTIONS = ("inbound", "outbound")

MANY = 10_000
"""Rows are counted up to this number only: more rows do not change the choice of the index."""

FEW = MANY // 2
"""This many rows may be read and tested one by one, even if none matches."""

LOOKUP = 5
"""Cost of reading one message, in entries of an index."""

MOST_STREAMS = 60
"""If more streams would have to be merged, reading all messages in order is as fast."""


@dataclass(frozen=True, slots=True)
class MessageFilter:
    """The filters of a list of messages. `numbers` are the numbers that the caller may see; None for all."""

    contact: str | None = None
    direction: str | None = None
    status: str | None = None
    type: str | None = None
    phone_number_id: str | None = None
    batch: str | None = None
    message_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    numbers: tuple[str, ...] | None = None

    def allowed_numbers(self) -> tuple[str, ...] | None:
        """Return the requested numbers that the caller may see; None for all numbers."""
        if self.phone_number_id is None:
            return self.numbers
        is_allowed = self.numbers is None or self.phone_number_id in self.numbers
        return (self.phone_number_id,) if is_allowed else ()


def places(session: Session, filters: MessageFilter, *, limit: int, before: Place | None) -> list[Place]:
    """Return timestamp and id of up to `limit` messages, newest first, from after `before`."""
    query = _page(session, filters, limit, before)
    return [] if query is None else [(timestamp, message_id) for timestamp, message_id in session.execute(query)]


def texts(
    session: Session, filters: MessageFilter, *, limit: int, before: Place | None
) -> list[tuple[datetime, str, str]]:
    """Return timestamp, id and text of up to `limit` messages, newest first, from after `before`."""
    query = _page(session, filters, limit, before)
    if query is None:
        return []
    page = query.subquery()
    with_text = select(page.c.timestamp, page.c.id, Message.message).join(Message, Message.id == page.c.id)
    return [(*row,) for row in session.execute(with_text.order_by(page.c.timestamp.desc(), page.c.id.desc()))]


def _page(
    session: Session, filters: MessageFilter, limit: int, before: Place | None
) -> Select[datetime, str] | None:
    conditions = _bounds(filters)
    if before is not None:
        conditions.append(tuple_(Message.timestamp, Message.id) < before)
    if filters.message_id is not None:
        conditions.append(or_(Message.id == filters.message_id, Message.wamid == filters.message_id))
        streams: list[Stream] = [{}]
    else:
        streams = _choose(session, filters)
    queries = [_read(stream, filters, conditions).limit(limit) for stream in streams]
    if len(queries) < 2:
        return queries[0] if queries else None
    parts = [part.subquery() for part in queries]
    merged = union_all(*(select(part.c.timestamp, part.c.id) for part in parts)).subquery()
    query = select(merged.c.timestamp, merged.c.id).order_by(merged.c.timestamp.desc(), merged.c.id.desc())
    return query.limit(limit)


def read(session: Session, ids: Sequence[str]) -> list[DomainMessage]:
    """Return the messages with these ids in this order. Builds no ORM objects: they would cost more than the query."""
    query = select(*(_MESSAGE.c[name] for name in _MESSAGE_NAMES), *(_CONTACT.c[name] for name in _CONTACT_NAMES))
    query = query.outerjoin_from(_MESSAGE, _CONTACT, _CONTACT.c.id == _MESSAGE.c.contact_id)
    found: dict[str, DomainMessage] = {}
    for row in session.execute(query.where(_MESSAGE.c.id.in_(ids))).all():
        values = dict(zip(_MESSAGE_FIELDS, row, strict=False))
        of_contact = row[len(_MESSAGE_FIELDS) :]
        contact = ContactRef(*of_contact) if of_contact[0] is not None else None
        found[values["id"]] = DomainMessage(**values, contact=contact)
    return [found[message_id] for message_id in ids if message_id in found]


def rest(filters: MessageFilter, but: Stream) -> list[ColumnElement[bool]]:
    """Return the conditions that the stream `but` does not fulfil, written so that no other index is used for them."""
    equal = {
        Message.direction: filters.direction,
        Message.status: filters.status,
        Message.message_type: filters.type,
        Message.batch_id: filters.batch,
    }
    found = [_no_index(column) == value for column, value in equal.items() if value is not None and column not in but]
    numbers = filters.allowed_numbers()
    if numbers is not None and Message.phone_number_id not in but:
        found.append(_no_index(Message.phone_number_id).in_(numbers))
    return found


def size(session: Session, filters: MessageFilter) -> int:
    """Estimate the size of a list, at most `MANY`: the count of its status; 0 for a contact, a batch or one message."""
    if filters.contact is not None or filters.batch is not None or filters.message_id is not None:
        return 0
    if filters.status is None:
        return MANY
    return _count(session, _by(Message.status, filters.status, filters), filters)


def _read(stream: Stream, filters: MessageFilter, conditions: list[Any]) -> Select[datetime, str]:
    equal = [column == value for column, value in stream.items()]
    query = select(Message.timestamp, Message.id).where(*equal, *conditions, *rest(filters, stream))
    return query.order_by(Message.timestamp.desc(), Message.id.desc())


def _choose(session: Session, filters: MessageFilter) -> list[Stream]:
    """Return the streams that together contain the list and have the lowest estimated cost."""
    candidates = _candidates(session, filters)
    if len(candidates) == 1:
        return candidates[0]
    costs = [_count(session, streams, filters) * _weight(streams, filters) for streams in candidates]
    return candidates[costs.index(min(costs))]


def _weight(streams: list[Stream], filters: MessageFilter) -> int:
    """Return the cost per index entry. The index by status contains type and number, so other messages are not read."""
    tells_all = filters.contact is None and filters.batch is None
    return 1 if tells_all and all(Message.status in stream for stream in streams) else LOOKUP


def _candidates(session: Session, filters: MessageFilter) -> list[list[Stream]]:
    found: list[list[Stream]] = []
    if filters.contact is not None:
        found.append([{Message.contact_id: contact_id} for contact_id in _contacts(session, filters.contact)])
    if filters.batch is not None:
        found.append([{Message.batch_id: filters.batch}])
    if filters.status is not None:
        found.append(_by(Message.status, filters.status, filters))
    if filters.type is not None:
        found.append(_by(Message.message_type, filters.type, filters))
    numbers = filters.allowed_numbers()
    if filters.direction is not None and numbers is None and not found:
        numbers = _numbers_with(session, filters.direction)
    if numbers is not None and len(numbers) * 2 <= MOST_STREAMS:
        found.append([
            {Message.direction: direction, Message.phone_number_id: number}
            for direction in _directions(filters) for number in numbers
        ])  # fmt: skip
    return found or [[{}]]


def _by(column: InstrumentedAttribute[Any], value: str, filters: MessageFilter) -> list[Stream]:
    return [{column: value, Message.direction: direction} for direction in _directions(filters)]


def _directions(filters: MessageFilter) -> tuple[str, ...]:
    return DIRECTIONS if filters.direction is None else (filters.direction,)


def _contacts(session: Session, name: str) -> list[str]:
    """Return the ids of contacts with this id of ours, or with this phone number (in any form) or user id of Meta's."""
    named = select(ContactAlias.contact_id).where(
        ContactAlias.kind.in_(("wa_id", "user_id", "parent_user_id")), ContactAlias.value.in_(names_of(name))
    )
    return list(session.scalars(select(Contact.id).where(Contact.id == name).union(named)))


def _numbers_with(session: Session, direction: str) -> tuple[str, ...] | None:
    """Return the numbers that have messages of this direction, by one index lookup each; None if they are many."""
    found: list[str] = []
    while len(found) <= MOST_STREAMS:
        query = select(func.min(Message.phone_number_id)).where(Message.direction == direction)
        number = session.scalar(query.where(Message.phone_number_id > found[-1]) if found else query)
        if number is None:
            return tuple(found)
        found.append(number)
    return None


def _count(session: Session, streams: list[Stream], filters: MessageFilter) -> int:
    """Count the messages of these streams, up to `MANY`."""
    total = 0
    for stream in streams:
        some = select(literal(1)).where(*(column == value for column, value in stream.items()), *_bounds(filters))
        total += session.scalar(select(func.count()).select_from(some.limit(MANY - total).subquery())) or 0
        if total >= MANY:
            break
    return total


def _bounds(filters: MessageFilter) -> list[Any]:
    bounds: list[Any] = []
    if filters.since is not None:
        bounds.append(Message.timestamp >= filters.since)
    if filters.until is not None:
        bounds.append(Message.timestamp < filters.until)
    return bounds


def _no_index(column: InstrumentedAttribute[Any]) -> ColumnElement[str]:
    return column.concat("")
