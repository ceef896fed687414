"""The plan of a chunk while it is being made: what the items say, and what is known by then."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from app.domain.handover import HandledBy, Handover
from app.domain.messages import ContactRef, Message, Revision
from app.domain.notifications import Person
from app.domain.numbers import Directory
from app.ids import id_of
from app.services.contacts.identity import ContactBook, aliases, variants_of
from app.services.processing.change_set import AgentSpoke, Known, Plan, Row, Rules, Step
from app.services.processing.work import Entry
from app.store.echoes import OpenTry

ECHO_WITHIN = timedelta(minutes=10)
"""How far the time of an echo may be from when we began to send it: Meta may take its time, and clocks differ."""


class Draft:
    """The plan of one chunk while it is being made."""

    def __init__(self, known: Known, directory: Directory, now: datetime, rules: Rules) -> None:
        self.plan = Plan(known.books, now)
        self.rules = rules
        self._outbound = dict(known.outbound)
        self._handovers = dict(known.handovers)
        self._tries = known.tries
        self._revisions: dict[tuple[str, str], list[Revision]] = {}
        for wamid, number, revision in known.revisions:
            self.remember_revision(wamid, number, revision)
        self.directory = directory
        self.now = now
        self._messages: dict[str, dict[str, Message]] = {}
        for name, message in known.messages:
            self.remember(name, message)

    def is_about_strangers(self, entry: Entry, person: Person) -> bool:
        """Whether only people of another app's numbers are known by a person's names."""
        ours = self.book(entry)
        names = {each for name in aliases(person) for each in (name, *variants_of(name))}
        return names.isdisjoint(ours.known) and any(
            not names.isdisjoint(book.known) for book in self.plan.books.values() if book is not ours
        )

    def book(self, entry: Entry) -> ContactBook:
        """The people of whom the item's signer may speak."""
        realm = self.directory.realm(entry.reading.app)
        return self.plan.books.setdefault(realm, ContactBook.of(self.now, {}, realm))

    def remember(self, name: str, message: Message) -> None:
        """Let `find` know a message by this name, as it is by now."""
        self._messages.setdefault(name, {})[message.id] = message

    def remember_revision(self, wamid: str, number: str, revision: Revision) -> None:
        """Let `revisions_of` know what was changed about a message, whether or not that is here."""
        self._revisions.setdefault((wamid, number), []).append(revision)
        self.plan.known_revisions.add(revision.wamid)

    def revisions_of(self, wamid: str, number: str) -> list[Revision]:
        """What was changed about a message of a number of ours."""
        return self._revisions.get((wamid, number), [])

    def numbers_of(self, entry: Entry) -> list[str]:
        """The numbers of ours that an item speaks of: its own, else all of its business account."""
        if entry.item.phone_number_id:
            return [entry.item.phone_number_id]
        ours = self.directory.numbers.values()
        return [number.phone_number_id for number in ours if number.waba_id and number.waba_id == entry.item.waba_id]

    def note_outbound(self, contact: ContactRef, message: Message) -> None:
        """Remember what we sent to a contact, if it is the newest."""
        key = (contact.id, message.phone_number_id)
        earlier = self._outbound.get(key)
        if earlier is None or earlier.timestamp <= message.timestamp:
            self._outbound[key] = message

    def last_outbound(self, contact: ContactRef, number: str) -> Message | None:
        """What this number last sent to a contact, or to one that is the same person."""
        if not self.plan.has_merged:
            return self._outbound.get((contact.id, number))
        found = [
            message
            for (contact_id, ours), message in self._outbound.items()
            if ours == number and self.plan.current(contact_id) == contact.id
        ]
        return max(found, key=lambda message: message.timestamp, default=None)

    def note_spoken(self, contact: ContactRef | None, number: str | None, at: datetime) -> None:
        """Remember when a contact spoke to a number of ours."""
        if contact is not None and number:
            key = (contact.id, number)
            self.plan.spoken[key] = max(at, self.plan.spoken.get(key, at))

    def note_agent(self, contact: ContactRef, message: Message) -> None:
        """Remember that a person answered a contact; in the future, by Meta's clock, nobody has."""
        key = (contact.id, message.phone_number_id)
        at = min(message.timestamp, self.now)
        self.plan.agents.append(AgentSpoke(message.id, *key, at))
        known = self._handovers.get(key, Handover())
        self._handovers[key] = replace(known, agent_at=max(at, known.agent_at or at))

    def may_be_ours(self, contact: ContactRef, message: Message) -> bool:
        """Whether an echo may be of a send of ours whose answer is still out: it says the same, at that time.

        How WhatsApp echoes what is not plain text is for Meta to choose, so there the type of ours decides.
        """
        return any(
            each.phone_number_id == message.phone_number_id
            and self.plan.current(each.contact_id) == contact.id
            and abs(message.timestamp - each.started_at) <= ECHO_WITHIN
            and _may_be_the_same(each, message)
            for each in self._tries
        )

    def handled_by(self, contact: ContactRef | None, number: str) -> HandledBy:
        """Who answers a contact on a number of ours."""
        if contact is None:
            return HandledBy.BOT
        if not self.plan.has_merged:
            known = self._handovers.get((contact.id, number), Handover())
            return known.handled_by(self.now, self.rules.agent_silence)
        found = [
            handover.handled_by(self.now, self.rules.agent_silence)
            for (contact_id, ours), handover in self._handovers.items()
            if ours == number and self.plan.current(contact_id) == contact.id
        ]
        return HandledBy.HUMAN if HandledBy.HUMAN in found else HandledBy.BOT

    def find(self, entry: Entry, *names: str | None) -> Message | None:
        """The message that an item means by a wamid or by our id, if its signer may speak for the message's number.

        A wamid alone does not tell: a message between two numbers of ours has one, and is there twice.
        """
        number, app = entry.item.phone_number_id, entry.reading.app
        for name in names:
            for message in self._messages.get(name or "", {}).values():
                if message.phone_number_id == (number or message.phone_number_id) and self.directory.vouches(
                    app, message.phone_number_id, None
                ):
                    return message
        return None

    def id_of(self, entry: Entry, *key: str) -> str:
        """The id of what an item is or tells: the same each time its webhook is read."""
        return id_of(entry.reading.received_at, entry.item.position, *key)

    def set_aside(self, entry: Entry, state: str, reason: str) -> None:
        """Keep an item out of the way, with the reason."""
        self.plan.aside.append(
            {
                "notification_id": entry.reading.notification_id,
                "position": entry.item.position,
                "state": state,
                "field": entry.item.field,
                "phone_number_id": entry.item.phone_number_id,
                "reason": reason,
                "created_at": self.now,
            }
        )

    def keyed(self, entry: Entry, kind: str, data: Any, timestamp: datetime, key: str, **more: Any) -> None:
        """Add an event that `key` tells from its repeats."""
        name = key or f"{entry.reading.notification_id}:{entry.item.position}"
        event = self.event(entry, kind, data, timestamp, name, key=f"{kind}:{name}", **more)
        self.plan.steps.append(Step(entry, event))

    def event(
        self,
        entry: Entry,
        kind: str,
        data: Any,
        timestamp: datetime,
        own_key: str,
        *,
        key: str | None = None,
        contact_id: str | None = None,
        message_id: str | None = None,
        source: str = "live",
    ) -> Row:
        """An event's row; its place in the contact's order is given when it is written.

        `own_key` tells what it is about from all else of its kind. Its id is made from that.
        """
        return {
            "id": self.id_of(entry, kind, own_key),
            "type": kind,
            "key": key,
            "source": source,
            "phone_number_id": entry.item.phone_number_id,
            "waba_id": None if entry.item.phone_number_id else entry.item.waba_id,
            "contact_id": contact_id,
            "contact_sequence": None,
            "message_id": message_id,
            "notification_id": entry.reading.notification_id,
            "position": entry.item.position,
            "timestamp": timestamp,
            "received_at": entry.reading.received_at,
            "created_at": self.now,
            "data": json.dumps(data, ensure_ascii=False, separators=(",", ":")),
        }


def _may_be_the_same(ours: OpenTry, echo: Message) -> bool:
    if ours.message_type == echo.message_type == "text":
        return ours.message.split() == echo.message.split()
    return ours.message_type in (echo.message_type, "template", "interactive")


def address(person: Person) -> str | None:
    """How a person is written in `sender` and `recipient`."""
    return f"+{person.wa_id}" if person.wa_id else person.user_id or person.parent_user_id
