"""Hand a contact over from the team's software to a person, and back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from app.actors import current_actor
from app.db.database import Database
from app.domain.handover import HandledBy
from app.domain.messages import shown
from app.services.audit_log import record_act
from app.services.contacts.events import append_contact_updated
from app.services.contacts.identity import to_ref
from app.services.contacts.read import find
from app.services.registries import NumberDirectory
from app.store import contact_numbers, contacts, conversations, events
from app.store.contact_list import Numbers
from app.store.events import StoredEvent


class HandOver:
    """Reads and changes who answers a contact on a number. Thread-safe."""

    def __init__(
        self, database: Database, directory: NumberDirectory, silence: timedelta, now: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._directory = directory
        self._silence = silence
        self._now = now

    def __call__(
        self,
        contact_id: str,
        to: HandledBy,
        phone_number_id: str | None = None,
        numbers: Numbers = None,
        *,
        has_answered: bool = False,
    ) -> None:
        """Assign a contact to a person (`HandledBy.HUMAN`) or to the bot, for every message from the commit on.

        Applies to `phone_number_id`, else to every number in `numbers` (None: all). Assigning a contact to a person
        who has it already restarts the period of silence after which it returns to the bot. Unless it is a person who
        takes it over (`current_actor`) or answers (`has_answered`), the contact waits for a person from then on.

        Appends a `contact.updated` event for a change. Raises `NotFound` for a contact that none of `numbers` knows,
        `Invalid` for a number outside them, and `Unavailable`.
        """
        ours = self._directory.choose(phone_number_id, numbers)
        now = self._now()
        with self._database.write() as session:
            events.take_turn(session)
            find(session, contact_id, numbers)
            contacts.lock(session, contact_id)
            before = {number: contact_numbers.handover(session, contact_id, number) for number in ours}
            after = {(contact_id, number): before[number].to(to, now) for number in ours}
            contact_numbers.record_handovers(session, after)
            if to is HandledBy.BOT or not (has_answered or current_actor().startswith("person:")):
                conversations.set_waiting(session, contact_id, ours, now if to is HandledBy.HUMAN else None)
            changed = [number for number in ours if before[number].handled_by(now, self._silence) is not to]
            if changed:
                self._tell(session, contact_id, to, changed, now)

    def handled_by(self, contact_id: str, phone_number_id: str) -> HandledBy:
        """Return who answers a contact on a number at this moment. Raises `Unavailable`."""
        with self._database.read() as session:
            return contact_numbers.handover(session, contact_id, phone_number_id).handled_by(
                self._now(), self._silence
            )

    def with_a_person(self, event: StoredEvent) -> bool:
        """Whether an event is an inbound message of a contact that a person answers now. Raises `Unavailable`."""
        if event.type != "message.received" or event.contact_id is None or event.phone_number_id is None:
            return False
        return self.handled_by(event.contact_id, event.phone_number_id) is HandledBy.HUMAN

    def _tell(self, session: Session, contact_id: str, to: HandledBy, numbers: list[str], now: datetime) -> None:
        said = {"to": to.value, "phone_number_ids": numbers}
        record_act(session, now, act="contact.handed_over", subject=f"contact:{contact_id}", details=said)
        contact = to_ref(contacts.find_many(session, [contact_id])[contact_id])
        data = {
            "contact": shown(contact),
            "previous": None,
            "reason": "handed_over",
            "opt_out": None,
            "handover": {"handled_by": to.value, "phone_number_ids": numbers},
        }
        append_contact_updated(session, contact_id, data, now, numbers[0] if len(numbers) == 1 else None)
