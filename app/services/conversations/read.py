"""List, search and look up conversations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from app.db.database import Database
from app.domain.handover import HandledBy, Handover
from app.domain.messages import ContactRef
from app.domain.person_names import names_of
from app.domain.search_terms import SearchTerm, parse_terms
from app.errors import NotFound
from app.services.contacts import WINDOW
from app.services.conversations.types import Conversation, LabelRef, LastMessage, Match
from app.store import conversation_list, conversations
from app.store.conversation_list import ConversationFilter, Hit, Place
from app.store.conversations import Numbers

SHORTEST_PREFIX = 3
"""From this length on the last word of a search is taken as a beginning, because people search while they type."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Open conversations with unread messages, and those that wait for a person."""

    unread: int = 0
    waiting: int = 0


class ReadConversations:
    """Reads conversations. `numbers` limits a caller to the conversations of these phone number ids; None means all.

    Every method raises `Unavailable`.
    """

    def __init__(
        self, database: Database, silence: timedelta, default_region: str | None, now: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._silence = silence
        self._region = default_region
        self._now = now

    def list(
        self, wanted: ConversationFilter, text: str | None = None, *, limit: int, before: Place | None = None
    ) -> tuple[Sequence[Conversation], Place | None]:
        """Return a page of conversations, the one whose last message is newest first, and where the next page begins.

        `text` is searched in names, phone numbers and messages; all its words must match, the last one as a beginning.
        """
        found: Sequence[Conversation]
        with self._database.read() as session:
            hits = None if text is None else self._search(session, text, wanted.allowed_numbers())
            rows = conversation_list.page(session, wanted, limit=limit, before=before, among=hits)
            found = self.describe(session, rows)
        if hits:
            found = [replace(each, match=_match(hits.get(each.id))) for each in found]
        following = (rows[-1].last_message_at, rows[-1].id) if len(rows) == limit else None
        return found, following

    def one(self, conversation_id: str, numbers: Numbers) -> Conversation:
        """Return a conversation by its id, or by that of one that was merged into it. Raises `NotFound`."""
        with self._database.read() as session:
            return self.describe_one(session, conversation_id, numbers)

    def describe_one(self, session: Session, conversation_id: str, numbers: Numbers) -> Conversation:
        """Do what `one` does within the caller's session."""
        row = find(session, conversation_id, numbers)
        return self.describe(session, conversation_list.read(session, [row.id]))[0]

    def of_contact(self, contact_id: str, phone_number_id: str, numbers: Numbers) -> str:
        """Return the id of the conversation of a contact and a number. Raises `NotFound`."""
        with self._database.read() as session:
            found = conversations.id_of(session, contact_id, phone_number_id)
        if found is None or (numbers is not None and phone_number_id not in numbers):
            raise NotFound("No conversation has this contact and number.")
        return found

    def counts(self, numbers: Numbers) -> Counts:
        """Count the open conversations that are unread, and those that wait for a person."""
        with self._database.read() as session:
            return sum_counts(conversation_list.counts(session), numbers)

    def describe(self, session: Session, rows: Sequence[Any]) -> Sequence[Conversation]:
        """Return the conversations of rows of `conversation_list`, with their labels."""
        labels = conversation_list.labels_of(session, [row.id for row in rows]) if rows else {}
        now = self._now()
        return [self._describe(row, labels.get(row.id, []), now) for row in rows]

    def _describe(self, row: Any, labels: Sequence[Any], now: datetime) -> Conversation:
        handover = Handover(row.agent_at, row.returned_at)
        handled_by = handover.handled_by(now, self._silence)
        closes_at = row.last_inbound_at + WINDOW if row.last_inbound_at is not None else None
        return Conversation(
            id=row.id,
            contact=ContactRef(
                row.contact_id,
                row.contact_wa_id,
                row.contact_user_id,
                row.contact_parent_user_id,
                row.contact_username,
                row.contact_name,
                row.contact_given_name,
            ),
            phone_number_id=row.phone_number_id,
            last_message=_last_message(row),
            last_message_at=row.last_message_at,
            last_inbound_at=row.last_inbound_at,
            window_closes_at=closes_at,
            is_window_open=closes_at is not None and now < closes_at,
            unread=row.unread,
            is_closed=row.closed_at is not None,
            closed_at=row.closed_at,
            assignee=row.assignee,
            waiting_since=row.waiting_since,
            has_failed=bool(row.has_failed),
            handled_by=handled_by,
            human_until=handover.until(self._silence) if handled_by is HandledBy.HUMAN else None,
            has_opted_out=bool(row.opted_out),
            labels=[LabelRef(each.id, each.name, each.colour) for each in labels],
        )

    def _search(self, session: Session, text: str, numbers: Numbers) -> dict[str, Hit | None]:
        words = parse_terms(text)
        if words and not text[-1].isspace() and len(words[-1].word) >= SHORTEST_PREFIX:
            words[-1] = SearchTerm(words[-1].word, True)
        digits = sum(letter.isdigit() for letter in text)
        names = names_of(text.strip(), self._region) if digits >= 5 else ()
        return conversation_list.search(session, words, names, numbers)


def find(session: Session, conversation_id: str, numbers: Numbers) -> Any:
    """Return a conversation's row if it is visible to these numbers. Raises `NotFound`."""
    row = conversations.find(session, conversation_id, numbers) if "\x00" not in conversation_id else None
    if row is None:
        raise NotFound("No conversation has this id.")
    return row


def sum_counts(by_number: dict[str, tuple[int, int]], numbers: Numbers) -> Counts:
    """Return the counts of all these numbers together."""
    found = [counts for number, counts in by_number.items() if numbers is None or number in numbers]
    return Counts(sum(unread for unread, _ in found), sum(waiting for _, waiting in found))


def _last_message(row: Any) -> LastMessage | None:
    if row.last_message_type is None:  # it was deleted
        return None
    return LastMessage(
        row.last_message_id,
        row.last_message,
        row.last_message_type,
        row.last_direction,
        row.last_status,
        row.last_timestamp,
        "revoked" in row.last_flags,
        row.last_sent_by,
    )


def _match(hit: Hit | None) -> Match | None:
    return None if hit is None else Match(hit.message_id, hit.message, hit.timestamp)
