"""What the team does about a conversation: assign, label, note, close, reopen, see.

Each act is one transaction that locks the conversation, writes its entry of the audit log, and shows on every open
inbox. The actor is who acts in this request (`app.actors`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.actors import current_actor
from app.db.database import Database
from app.errors import Invalid, NotFound, WrongState
from app.ids import new_id
from app.services.audit_log import record_act
from app.services.conversations.read import find
from app.services.conversations.types import Note
from app.store import conversation_messages, conversations, labels, people
from app.store.conversations import Numbers

LONGEST_NOTE = 4000
MOST_LABELS = 20


class ConversationActs:
    """Each act raises `NotFound` for a conversation that none of `numbers` has, and `Unavailable`."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    def assign(
        self, conversation_id: str, person_id: str | None, numbers: Numbers, *, only_if_free: bool = False
    ) -> None:
        """Give a conversation to a person of the team, or with None to nobody.

        With `only_if_free` raises `WrongState` if somebody else has it already: of two people who take it at the same
        moment one gets it. Raises `Invalid` for a person who is not there, has no access, or may not see the number.
        """
        with self._act(conversation_id, numbers) as (session, row):
            if person_id is not None:
                _check_person(session, person_id, row.phone_number_id)
            if row.assignee == person_id:
                return
            if only_if_free and row.assignee is not None:
                raise WrongState("Somebody has this conversation already.")
            details = {"assignee": person_id, "previous": row.assignee}
            self._change(session, row, "conversation.assigned", details, assignee=person_id)

    def label(self, conversation_id: str, label_ids: Sequence[str], numbers: Numbers) -> None:
        """Let a conversation have exactly these labels. Raises `Invalid` for an unknown one, or too many."""
        with self._act(conversation_id, numbers) as (session, row):
            self._set_labels(session, row, set(label_ids))

    def relabel(self, conversation_id: str, numbers: Numbers, *, add: str = "", remove: str = "") -> None:
        """Put one label on a conversation, or take one off; its others stay, whoever changes them at this moment.

        Raises `Invalid` as `label` does.
        """
        with self._act(conversation_id, numbers) as (session, row):
            self._set_labels(session, row, (labels.ids_of(session, row.id) | {add}) - {remove, ""})

    def _set_labels(self, session: Session, row: Any, wanted: set[str]) -> None:
        before = labels.ids_of(session, row.id)
        if wanted == before:
            return
        if len(wanted) > MOST_LABELS:
            raise Invalid(fields={"labels": [f"must be at most {MOST_LABELS}"]})
        if wanted - labels.existing(session, wanted):
            raise Invalid(fields={"labels": ["names a label that is not there: see /api/labels"]})
        labels.put(session, row.id, wanted - before)
        labels.take(session, row.id, before - wanted)
        self._change(session, row, "conversation.labelled", {"labels": sorted(wanted)})

    def note(self, conversation_id: str, text: str, numbers: Numbers) -> Note:
        """Write a note into the thread, for the team alone; it is never sent. Raises `Invalid`."""
        text = text.strip()
        if not text or len(text) > LONGEST_NOTE or "\x00" in text:
            raise Invalid(fields={"text": [f"must be text of 1 to {LONGEST_NOTE} characters"]})
        with self._act(conversation_id, numbers) as (session, row):
            note = Note(new_id(), current_actor(), text, self._now())
            conversations.add_note(
                session,
                {
                    "id": note.id,
                    "conversation_id": row.id,
                    "author": note.author,
                    "text": note.text,
                    "created_at": note.created_at,
                },
            )
            self._change(session, row, "conversation.noted", {"note": note.id})
            return note

    def close(self, conversation_id: str, numbers: Numbers, *, seen: str | None = None) -> None:
        """Close a conversation until the customer writes again; its failures count as dealt with, and nobody waits.

        `seen` is our id of the newest message that the person has seen: if the customer has written after it, this
        raises `WrongState`, so that nothing is closed unread.
        """
        with self._act(conversation_id, numbers) as (session, row):
            unread = row.unread if seen is None else _unread_after(session, row, seen)
            if seen is not None and unread:
                raise WrongState("The customer has written since. Look at it first.")
            if row.closed_at is None:
                now = self._now()
                values = {"closed_at": now, "failures_cleared_at": now, "waiting_since": None, "unread": 0}
                self._change(session, row, "conversation.closed", {}, **values)

    def reopen(self, conversation_id: str, numbers: Numbers) -> None:
        """Open a closed conversation."""
        with self._act(conversation_id, numbers) as (session, row):
            if row.closed_at is not None:
                self._change(session, row, "conversation.reopened", {}, closed_at=None)

    def mark_seen(self, conversation_id: str, message_id: str, numbers: Numbers) -> int:
        """Record that the team has seen the thread up to one of its messages; return how many are unread still.

        The count is made anew from the messages after it, so that what arrives at this moment stays unread. Writes
        nothing if nothing is unread.
        """
        with self._database.read() as session:
            row = find(session, conversation_id, numbers)
            if row.unread == 0 or _unread_after(session, row, message_id) >= row.unread:
                return int(row.unread)
        with self._act(conversation_id, numbers) as (session, row):
            unread = min(_unread_after(session, row, message_id), row.unread)
            if unread != row.unread:
                self._change(session, row, "conversation.seen", {"message": message_id}, unread=unread)
            return int(unread)

    @contextmanager
    def _act(self, conversation_id: str, numbers: Numbers) -> Iterator[tuple[Session, Any]]:
        """Open a transaction that has the conversation's row locked."""
        with self._database.write() as session:
            row = conversations.lock(session, find(session, conversation_id, numbers).id)
            if row is None or row.contact_id is None:  # it was erased or merged at this moment
                raise NotFound("No conversation has this id.")
            yield session, row

    def _change(self, session: Session, row: Any, act: str, details: dict[str, Any], **values: Any) -> None:
        now = self._now()
        conversations.change(session, row.id, touched_at=now, **values)
        record_act(session, now, act=act, subject=f"conversation:{row.id}", details=details)


def _unread_after(session: Session, row: Any, message_id: str) -> int:
    key = (row.contact_id, row.phone_number_id)
    place = conversation_messages.place_of(session, key, message_id) if "\x00" not in message_id else None
    if place is None:
        raise NotFound("This conversation has no message with this id.")
    return conversation_messages.count_unread(session, key, place)


def _check_person(session: Session, person_id: str, phone_number_id: str) -> None:
    row = people.find(session, person_id) if "\x00" not in person_id else None
    if row is None or row.disabled_at is not None:
        raise Invalid(fields={"assignee": ["is nobody of the team with access: see `people list`"]})
    if row.numbers is not None and phone_number_id not in row.numbers:
        raise Invalid(fields={"assignee": ["may not see this number"]})
