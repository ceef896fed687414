"""What the room hands out: conversations as lists show them, and the items of a thread."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.domain.handover import HandledBy
from app.domain.messages import ContactRef, Message


@dataclass(frozen=True, slots=True)
class LabelRef:
    """A label on a conversation."""

    id: str
    name: str
    colour: str


@dataclass(frozen=True, slots=True)
class LastMessage:
    """The newest message of a conversation, as lists show it. `message` is its text in one line, `sent_by` its
    actor."""

    id: str
    message: str
    message_type: str
    direction: str
    status: str
    timestamp: datetime
    is_revoked: bool
    sent_by: str | None


@dataclass(frozen=True, slots=True)
class Match:
    """The newest message of a conversation that matches a search."""

    message_id: str
    message: str
    timestamp: datetime


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation of a contact with one of our numbers.

    `window_closes_at` is the end of the 24 hours in which free text may be sent; None before the customer ever wrote.
    `waiting_since` is when the customer first wanted a person and has no answer of one yet. `has_failed`: a send
    failed, expired or is held, and nobody has retried it, or closed the conversation since. `human_until` is when the
    bot answers again if the person stays silent.
    """

    id: str
    contact: ContactRef
    phone_number_id: str
    last_message: LastMessage | None
    last_message_at: datetime
    last_inbound_at: datetime | None
    window_closes_at: datetime | None
    is_window_open: bool
    unread: int
    is_closed: bool
    closed_at: datetime | None
    assignee: str | None
    waiting_since: datetime | None
    has_failed: bool
    handled_by: HandledBy
    human_until: datetime | None
    has_opted_out: bool
    labels: list[LabelRef] = field(default_factory=list)
    match: Match | None = None


@dataclass(frozen=True, slots=True)
class Reaction:
    """An emoji that one side put on a message; the last of each side counts. `sent_by` is the actor of ours."""

    emoji: str
    direction: str
    timestamp: datetime
    sent_by: str | None
    id: str


@dataclass(frozen=True, slots=True)
class Quoted:
    """The message that another one answers. Only `message_id` (the wamid) is known if it is not stored."""

    id: str | None
    message_id: str | None
    direction: str | None = None
    message_type: str | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class RevisionShown:
    """An edit or a revocation, with the text before it."""

    revoked: bool
    timestamp: datetime
    previous: str | None


@dataclass(frozen=True, slots=True)
class AttemptShown:
    """One attempt to send. `state` is `sending`, `accepted`, `refused` or `unknown`."""

    number: int
    state: str
    started_at: datetime
    finished_at: datetime | None
    error: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class ThreadMessage:
    """A message with what a thread shows beside it.

    `sent_by` is the actor of a send (`person:ID`, `key:NAME`, `endpoint:ID`); `sender_kind` is `customer`, `person`,
    `bot` (an endpoint or a Python handler), `api` (a key) or `phone` (the business's own app).
    """

    message: Message
    sender_kind: str
    sent_by: str | None
    held_for: str | None
    batch_id: str | None
    reactions: list[Reaction] = field(default_factory=list)
    revisions: list[RevisionShown] = field(default_factory=list)
    attempts: list[AttemptShown] = field(default_factory=list)
    quoted: Quoted | None = None
    sent_at: datetime | None = None
    delivered_at: datetime | None = None
    read_at: datetime | None = None
    failed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """What a person wrote for the team."""

    id: str
    author: str
    text: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Thread:
    """A part of a thread, oldest first. `before` and `after` are the ids of the messages from which older and newer
    parts continue, None where there is nothing more."""

    conversation: Conversation
    items: list[ThreadMessage | Note]
    before: str | None
    after: str | None
