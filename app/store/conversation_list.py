"""Lists of conversations, the one whose last message is newest first, with any combination of filters."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, exists, func, literal_column, select, tuple_
from sqlalchemy.orm import Session

from app.domain.search_terms import SearchTerm
from app.models import Contact, ContactAlias, ContactNumber, Conversation, ConversationLabel, Label, Message
from app.models.base import table
from app.store import contact_search, message_search
from app.store.conversations import Numbers
from app.store.message_list import MessageFilter

Place = tuple[datetime, str]
"""Time of the last message, and id, of the last conversation of a page."""

MOST_HITS = 400
"""Messages and contacts that one search looks at, each, the newest messages first."""

_TABLE, _CONTACTS, _LAST = table(Conversation), table(Contact), table(Message)
_OF_NUMBER, _LABELS, _LABELLED = table(ContactNumber), table(Label), table(ConversationLabel)
_FAILED = table(Message).alias("failed")
# Written out, since a partial index is used only where its condition stands in the query.
_HAS_FAILED = exists().where(
    _FAILED.c.contact_id == _TABLE.c.contact_id,
    _FAILED.c.phone_number_id == _TABLE.c.phone_number_id,
    _FAILED.c.timestamp >= func.coalesce(_TABLE.c.failures_cleared_at, _TABLE.c.created_at),
    literal_column("failed.status IN ('failed', 'held', 'expired') AND failed.batch_id IS NULL"),
)
_SHOWN: tuple[Any, ...] = (
    _TABLE,
    *(
        _CONTACTS.c[name].label(f"contact_{name}")
        for name in ("wa_id", "user_id", "parent_user_id", "username", "name", "given_name")
    ),
    *(_OF_NUMBER.c[name] for name in ("last_inbound_at", "agent_at", "returned_at", "opted_out")),
    *(
        _LAST.c[name].label(f"last_{name}")
        for name in ("message", "message_type", "direction", "status", "timestamp", "flags", "sent_by", "source")
    ),
    _HAS_FAILED.label("has_failed"),
)
_FROM = (
    _TABLE.outerjoin(_CONTACTS, _CONTACTS.c.id == _TABLE.c.contact_id)
    .outerjoin(
        _OF_NUMBER,
        and_(_OF_NUMBER.c.contact_id == _TABLE.c.contact_id, _OF_NUMBER.c.phone_number_id == _TABLE.c.phone_number_id),
    )
    .outerjoin(_LAST, _LAST.c.id == _TABLE.c.last_message_id)
)
_LISTED = (_TABLE.c.contact_id.is_not(None), _TABLE.c.last_message_id.is_not(None))


@dataclass(frozen=True, slots=True)
class ConversationFilter:
    """The filters of a list of conversations; None means any.

    `assignee` is the id of a person, or "" for conversations without one. `numbers` are those that the caller may see.
    """

    unread: bool | None = None
    assignee: str | None = None
    waiting: bool | None = None
    failed: bool | None = None
    closed: bool | None = None
    label: str | None = None
    contact: str | None = None
    phone_number_id: str | None = None
    numbers: Numbers = None

    def allowed_numbers(self) -> Numbers:
        """Return the requested numbers that the caller may see; None for all numbers."""
        if self.phone_number_id is None:
            return self.numbers
        is_allowed = self.numbers is None or self.phone_number_id in self.numbers
        return (self.phone_number_id,) if is_allowed else ()


def page(
    session: Session,
    filters: ConversationFilter,
    *,
    limit: int,
    before: Place | None,
    among: Collection[str] | None = None,
) -> Sequence[Any]:
    """Return up to `limit` conversations from after `before` as rows of the columns of `_SHOWN`; only those of
    `among`, unless it is None."""
    query = select(*_SHOWN).select_from(_FROM).where(*_LISTED, *_conditions(filters))
    if before is not None:
        query = query.where(tuple_(_TABLE.c.last_message_at, _TABLE.c.id) < before)
    if among is not None:
        query = query.where(_TABLE.c.id.in_(among))
    return session.execute(query.order_by(_TABLE.c.last_message_at.desc(), _TABLE.c.id.desc()).limit(limit)).all()


def read(session: Session, conversation_ids: Sequence[str]) -> Sequence[Any]:
    """Return conversations by their ids, in the columns of `page`."""
    query = select(*_SHOWN).select_from(_FROM).where(_TABLE.c.id.in_(conversation_ids))
    return session.execute(query).all()


def _conditions(filters: ConversationFilter) -> list[Any]:
    found: list[Any] = []
    numbers = filters.allowed_numbers()
    if numbers is not None:
        found.append(_TABLE.c.phone_number_id.in_(numbers))
    if filters.contact is not None:
        found.append(_TABLE.c.contact_id == filters.contact)
    if filters.unread is not None:
        is_unread: Any = literal_column("conversations.unread > 0")
        found.append(is_unread if filters.unread else _TABLE.c.unread == 0)
    if filters.assignee is not None:
        found.append(_TABLE.c.assignee == filters.assignee if filters.assignee else _TABLE.c.assignee.is_(None))
    for wanted, column in ((filters.waiting, _TABLE.c.waiting_since), (filters.closed, _TABLE.c.closed_at)):
        if wanted is not None:
            found.append(column.is_not(None) if wanted else column.is_(None))
    if filters.failed is not None:
        found.append(_HAS_FAILED if filters.failed else ~_HAS_FAILED)
    if filters.label is not None:
        found.append(
            exists().where(_LABELLED.c.conversation_id == _TABLE.c.id, _LABELLED.c.label_id == filters.label)
        )
    return found


def of_contact(session: Session, contact_id: str, numbers: Numbers) -> Sequence[Any]:
    """Return the conversations of a contact with these numbers, oldest first."""
    query = select(_TABLE).where(_TABLE.c.contact_id == contact_id).order_by(_TABLE.c.created_at, _TABLE.c.id)
    if numbers is not None:
        query = query.where(_TABLE.c.phone_number_id.in_(numbers))
    return session.execute(query).all()


def labels_of(session: Session, conversation_ids: Collection[str]) -> dict[str, list[Any]]:
    """Return the labels (`id`, `name`, `colour`) of each of these conversations that has any, by name."""
    query = (
        select(_LABELLED.c.conversation_id, _LABELS.c.id, _LABELS.c.name, _LABELS.c.colour)
        .join(_LABELS, _LABELS.c.id == _LABELLED.c.label_id)
        .where(_LABELLED.c.conversation_id.in_(conversation_ids))
        .order_by(_LABELS.c.name)
    )
    found: dict[str, list[Any]] = {}
    for row in session.execute(query):
        found.setdefault(row.conversation_id, []).append(row)
    return found


@dataclass(frozen=True, slots=True)
class Hit:
    """The newest message of a conversation that matches a search."""

    message_id: str
    message: str
    timestamp: datetime


def search(
    session: Session, words: Sequence[SearchTerm], names: Sequence[str], numbers: Numbers
) -> dict[str, Hit | None]:
    """Return the ids of conversations whose contact or messages match all words, or whose contact has one of the
    aliases `names`; with the newest matching message where a message matches."""
    found: dict[str, Hit | None] = {}
    people: set[str] = set(contact_search.find_by_names(session, names)) if names else set()
    if words:
        called = contact_search.matching_words([_as_prefix(each) for each in words], None)
        people |= set(session.scalars(select(Contact.id).where(*called).limit(MOST_HITS)))
    digits = "".join(each.word for each in words)
    if digits.isdigit() and len(digits) >= 3:
        people |= set(session.scalars(_with_digits(digits)))
    if people:
        found |= dict.fromkeys(session.scalars(select(_TABLE.c.id).where(_TABLE.c.contact_id.in_(people))))
    if words:
        found |= _with_messages(session, words, numbers)
    return found


def _as_prefix(term: SearchTerm) -> SearchTerm:
    return SearchTerm(term.word, True)


def _with_digits(digits: str) -> Select[str]:
    query = select(ContactAlias.contact_id).where(
        ContactAlias.kind == "wa_id", ContactAlias.value >= digits, ContactAlias.value < digits + ":"
    )
    return query.limit(MOST_HITS)


def _with_messages(session: Session, words: Sequence[SearchTerm], numbers: Numbers) -> dict[str, Hit | None]:
    hits = message_search.find(session, words, MessageFilter(numbers=numbers), limit=MOST_HITS, before=None)
    query = (
        select(_TABLE.c.id, _LAST.c.id.label("message_id"), _LAST.c.message, _LAST.c.timestamp)
        .select_from(_LAST)
        .join(
            _TABLE,
            and_(_TABLE.c.contact_id == _LAST.c.contact_id, _TABLE.c.phone_number_id == _LAST.c.phone_number_id),
        )
        .where(_LAST.c.id.in_([message_id for _, message_id in hits]), _LAST.c.group_id.is_(None))
        .order_by(_LAST.c.timestamp, _LAST.c.id)
    )
    return {row.id: Hit(row.message_id, row.message, row.timestamp) for row in session.execute(query)}


def counts(session: Session) -> dict[str, tuple[int, int]]:
    """Return by phone number id how many open conversations are unread, and how many wait for a person."""
    unread = select(_TABLE.c.phone_number_id, func.count()).where(
        literal_column("conversations.unread > 0"), _TABLE.c.closed_at.is_(None)
    )
    waiting = select(_TABLE.c.phone_number_id, func.count()).where(
        _TABLE.c.waiting_since.is_not(None), _TABLE.c.closed_at.is_(None)
    )
    found: dict[str, tuple[int, int]] = {}
    for number, count in session.execute(unread.group_by(_TABLE.c.phone_number_id)):
        found[number] = (count, 0)
    for number, count in session.execute(waiting.group_by(_TABLE.c.phone_number_id)):
        found[number] = (found.get(number, (0, 0))[0], count)
    return found
