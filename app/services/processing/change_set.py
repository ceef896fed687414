"""The rows that a batch adds and changes, computed before the write lock is taken."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from app.domain.messages import Message, Revision
from app.services.contacts import IdentityResolver
from app.services.events import EventRow
from app.services.processing.work import WorkItem
from app.store.contact_numbers import Handovers, LastInbound
from app.store.conversations import Activity
from app.store.echoes import OpenAttempt
from app.store.reports import StatusKey

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class PendingEvent:
    """An event to append if the row it describes turns out to be new when it is written.

    That row is the message `message_id`, the filled placeholder `filled_placeholder_id`, or the status report `report`.
    With none of them set, the event's own key decides.
    """

    work_item: WorkItem
    event: EventRow
    message_id: str | None = None
    filled_placeholder_id: str | None = None
    report: StatusKey | None = None


class AgentReply(NamedTuple):
    """An answer that a person sent from the business's phone. Counts only if its message turns out to be new."""

    message_id: str
    contact_id: str
    phone_number_id: str
    at: datetime


@dataclass(slots=True)
class ChangeSet:
    """The rows of one batch.

    `resolvers` hold the contacts, by realm. `wamids` are to be set on messages, by our id. `status_moves`, `pricings`
    and `revised_messages` hold columns to set on messages, by our id. `attached_revisions` are stored revisions whose
    message is in this batch. `known_revisions` are the wamids of all revisions that were taken into account: one that
    another worker stores meanwhile makes the change set stale.
    """

    resolvers: dict[str, IdentityResolver]
    now: datetime
    events: list[PendingEvent] = field(default_factory=list)
    messages: list[Row] = field(default_factory=list)
    placeholder_fills: list[Row] = field(default_factory=list)
    media: list[Row] = field(default_factory=list)
    reports: list[Row] = field(default_factory=list)
    status_moves: dict[str, Row] = field(default_factory=dict)
    pricings: dict[str, Row] = field(default_factory=dict)
    revised_messages: dict[str, Row] = field(default_factory=dict)
    revisions: list[Row] = field(default_factory=list)
    attached_revisions: list[Row] = field(default_factory=list)
    known_revisions: set[str] = field(default_factory=set)
    resolved_attempts: list[Row] = field(default_factory=list)
    wamids: dict[str, str] = field(default_factory=dict)
    set_aside: list[Row] = field(default_factory=list)
    last_inbound: LastInbound = field(default_factory=dict)
    agent_replies: list[AgentReply] = field(default_factory=list)
    activities: list[Activity] = field(default_factory=list)
    consents: list[Row] = field(default_factory=list)

    @property
    def has_merged(self) -> bool:
        """Whether two contacts turned out to be one person."""
        return any(resolver.merged for resolver in self.resolvers.values())

    def current(self, contact_id: str | None) -> str | None:
        """Return the id of the contact that this one was merged into, or its own id."""
        for resolver in self.resolvers.values():
            contact_id = resolver.current(contact_id)
        return contact_id


@dataclass(frozen=True, slots=True)
class StoredState:
    """What the database holds of the batch's contacts and messages.

    `messages` are paired with the wamid or our id by which the batch refers to them. `outbound` is the last message
    sent, and `handovers` who answers, both by contact id and phone number id. `open_attempts` are send attempts without
    a wamid that an echo in the batch may belong to. `revisions` are paired with the wamid and the phone number id of
    their message.
    """

    resolvers: dict[str, IdentityResolver]
    messages: list[tuple[str, Message]]
    outbound: dict[tuple[str, str], Message] = field(default_factory=dict)
    handovers: Handovers = field(default_factory=dict)
    open_attempts: list[OpenAttempt] = field(default_factory=list)
    revisions: list[tuple[str, str, Revision]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ProcessingOptions:
    """Settings of message processing: `opt_out_words` (normalised), for how long an agent's reply keeps the bot out
    (`agent_silence`), and whether files are fetched into a vault (`keeps_media`)."""

    opt_out_words: frozenset[str] = frozenset()
    agent_silence: timedelta = timedelta(hours=12)
    keeps_media: bool = True
