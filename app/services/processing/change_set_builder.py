"""Collect the change set of a batch, and answer what the database and the batch's earlier items say together."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from app.domain.handover import HandledBy, Handover
from app.domain.messages import ContactRef, Message, Revision
from app.domain.notifications import Person
from app.domain.numbers import Directory
from app.ids import id_of
from app.services.contacts import IdentityResolver, aliases_of, variants_of
from app.services.events import EventRow, event_row
from app.services.processing.change_set import (
    AgentReply,
    ChangeSet,
    PendingEvent,
    ProcessingOptions,
    StoredState,
)
from app.services.processing.work import WorkItem
from app.store.echoes import OpenAttempt

ECHO_TOLERANCE = timedelta(minutes=10)
"""Largest difference between an echo's time and the start of the send attempt: Meta may be slow, and clocks differ."""


class ChangeSetBuilder:
    """Builds the change set of one batch, item by item."""

    def __init__(self, known: StoredState, directory: Directory, now: datetime, options: ProcessingOptions) -> None:
        self.changes = ChangeSet(known.resolvers, now)
        self.options = options
        self._outbound = dict(known.outbound)
        self._handovers = dict(known.handovers)
        self._open_attempts = known.open_attempts
        self._revisions: dict[tuple[str, str], list[Revision]] = {}
        for wamid, number, revision in known.revisions:
            self.add_known_revision(wamid, number, revision)
        self.directory = directory
        self.now = now
        self._messages: dict[str, dict[str, Message]] = {}
        for name, message in known.messages:
            self.index_message(name, message)

    def is_known_only_to_other_apps(self, work_item: WorkItem, person: Person) -> bool:
        """Whether a person's aliases belong to contacts of other apps' numbers, and to none of the signing app's."""
        ours = self.resolver_of(work_item)
        names = {each for name in aliases_of(person) for each in (name, *variants_of(name))}
        return names.isdisjoint(ours.owners) and any(
            not names.isdisjoint(resolver.owners)
            for resolver in self.changes.resolvers.values()
            if resolver is not ours
        )

    def resolver_of(self, work_item: WorkItem) -> IdentityResolver:
        """Return the resolver of the realm that the app which signed the item belongs to."""
        realm = self.directory.realm(work_item.notification.app)
        return self.changes.resolvers.setdefault(realm, IdentityResolver.of(self.now, {}, realm))

    def index_message(self, name: str, message: Message) -> None:
        """Let `find` return this version of a message for a wamid or an id of ours."""
        self._messages.setdefault(name, {})[message.id] = message

    def add_known_revision(self, wamid: str, number: str, revision: Revision) -> None:
        """Let `revisions_of` return a revision, whether or not its message is stored."""
        self._revisions.setdefault((wamid, number), []).append(revision)
        self.changes.known_revisions.add(revision.wamid)

    def revisions_of(self, wamid: str, number: str) -> list[Revision]:
        """Return the known revisions of a message, by its wamid and its number's phone number id."""
        return self._revisions.get((wamid, number), [])

    def numbers_of(self, work_item: WorkItem) -> list[str]:
        """Return the phone number ids that an item concerns: its own, else all of its business account (WABA)."""
        if work_item.item.phone_number_id:
            return [work_item.item.phone_number_id]
        ours = self.directory.numbers.values()
        return [
            number.phone_number_id for number in ours if number.waba_id and number.waba_id == work_item.item.waba_id
        ]

    def record_outbound(self, contact: ContactRef, message: Message) -> None:
        """Keep a message as the contact's last outbound one, unless a newer one is known."""
        key = (contact.id, message.phone_number_id)
        earlier = self._outbound.get(key)
        if earlier is None or earlier.timestamp <= message.timestamp:
            self._outbound[key] = message

    def last_outbound(self, contact: ContactRef, number: str) -> Message | None:
        """Return the last message that a number sent to a contact, or to a contact merged into it."""
        if not self.changes.has_merged:
            return self._outbound.get((contact.id, number))
        found = [
            message
            for (contact_id, ours), message in self._outbound.items()
            if ours == number and self.changes.current(contact_id) == contact.id
        ]
        return max(found, key=lambda message: message.timestamp, default=None)

    def record_inbound(self, contact: ContactRef | None, number: str | None, at: datetime) -> None:
        """Keep the time of a contact's last inbound activity on a number. Ignores None for either."""
        if contact is not None and number:
            key = (contact.id, number)
            self.changes.last_inbound[key] = max(at, self.changes.last_inbound.get(key, at))

    def record_agent_reply(self, contact: ContactRef, message: Message) -> None:
        """Keep that a person answered a contact. Limits the time to now, since Meta's clock may be ahead."""
        key = (contact.id, message.phone_number_id)
        at = min(message.timestamp, self.now)
        self.changes.agent_replies.append(AgentReply(message.id, *key, at))
        known = self._handovers.get(key, Handover())
        self._handovers[key] = replace(known, agent_at=max(at, known.agent_at or at))

    def may_echo_own_send(self, contact: ContactRef, message: Message) -> bool:
        """Whether an echo may belong to a send of ours whose result is not known yet: same content, about that time.

        Meta decides how it echoes anything but plain text, so for other types only the message type is compared.
        """
        return any(
            each.phone_number_id == message.phone_number_id
            and self.changes.current(each.contact_id) == contact.id
            and abs(message.timestamp - each.started_at) <= ECHO_TOLERANCE
            and _has_same_content(each, message)
            for each in self._open_attempts
        )

    def handled_by(self, contact: ContactRef | None, number: str) -> HandledBy:
        """Return who answers a contact on a number at this moment."""
        if contact is None:
            return HandledBy.BOT
        if not self.changes.has_merged:
            known = self._handovers.get((contact.id, number), Handover())
            return known.handled_by(self.now, self.options.agent_silence)
        found = [
            handover.handled_by(self.now, self.options.agent_silence)
            for (contact_id, ours), handover in self._handovers.items()
            if ours == number and self.changes.current(contact_id) == contact.id
        ]
        return HandledBy.HUMAN if HandledBy.HUMAN in found else HandledBy.BOT

    def find(self, work_item: WorkItem, *names: str | None) -> Message | None:
        """Return the message that an item refers to by a wamid or by our id, if its signer is authorised for the
        message's number.

        A wamid alone is ambiguous: a message between two numbers of ours has one wamid and is stored twice.
        """
        number, app = work_item.item.phone_number_id, work_item.notification.app
        for name in names:
            for message in self._messages.get(name or "", {}).values():
                if message.phone_number_id == (
                    number or message.phone_number_id
                ) and self.directory.is_authorised_for(app, message.phone_number_id, None):
                    return message
        return None

    def id_of(self, work_item: WorkItem, *key: str) -> str:
        """Return an id derived from the item and `key`: the same each time its webhook is processed."""
        return id_of(work_item.notification.received_at, work_item.item.position, *key)

    def set_aside(self, work_item: WorkItem, state: str, reason: str) -> None:
        """Store an item as `parked` or `quarantined`, with the reason, instead of processing it."""
        self.changes.set_aside.append(
            {
                "notification_id": work_item.notification.id,
                "position": work_item.item.position,
                "state": state,
                "field": work_item.item.field,
                "phone_number_id": work_item.item.phone_number_id,
                "reason": reason,
                "created_at": self.now,
            }
        )

    def add_keyed_event(
        self, work_item: WorkItem, kind: str, data: Any, timestamp: datetime, key: str, **more: Any
    ) -> None:
        """Add an event that is appended once for each `kind` and `key`. Without a key, the item's position is used."""
        name = key or f"{work_item.notification.id}:{work_item.item.position}"
        event = self.event_row(work_item, kind, data, timestamp, name, key=f"{kind}:{name}", **more)
        self.changes.events.append(PendingEvent(work_item, event))

    def event_row(
        self,
        work_item: WorkItem,
        kind: str,
        data: Any,
        timestamp: datetime,
        own_key: str,
        *,
        key: str | None = None,
        contact_id: str | None = None,
        message_id: str | None = None,
        source: str = "live",
    ) -> EventRow:
        """Return an event's row. `contact_sequence` is set when it is written.

        `own_key` identifies its subject among all events of the item and kind; the event's id is derived from it.
        """
        return event_row(
            kind,
            data,
            timestamp,
            id=self.id_of(work_item, kind, own_key),
            key=key,
            source=source,
            phone_number_id=work_item.item.phone_number_id,
            waba_id=None if work_item.item.phone_number_id else work_item.item.waba_id,
            contact_id=contact_id,
            message_id=message_id,
            notification_id=work_item.notification.id,
            position=work_item.item.position,
            received_at=work_item.notification.received_at,
            created_at=self.now,
        )


def _has_same_content(ours: OpenAttempt, echo: Message) -> bool:
    if ours.message_type == echo.message_type == "text":
        return ours.message.split() == echo.message.split()
    return ours.message_type in (echo.message_type, "template", "interactive")


def address(person: Person) -> str | None:
    """Return a person as `sender` and `recipient` show it: `+E.164`, else the business-scoped user id."""
    return f"+{person.wa_id}" if person.wa_id else person.user_id or person.parent_user_id
