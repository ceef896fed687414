"""Answer the API's lists and look-ups of contacts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from app.db.database import Database
from app.domain.handover import HandledBy, Handover
from app.domain.person_names import is_our_id, may_name_somebody, names_of
from app.errors import NotFound
from app.models import Contact, ContactAlias
from app.services.contacts.send_rules import WINDOW
from app.store import contact_list, contact_numbers, contact_search
from app.store.contact_list import ALL, ContactFilter, Numbers


@dataclass(frozen=True, slots=True)
class Window:
    """The 24 hours after a contact's last inbound activity on a number, in which free-form messages may be sent."""

    last_inbound_at: datetime
    expires_at: datetime
    is_open: bool


@dataclass(frozen=True, slots=True)
class OptOut:
    """The time and source of an opt-out. `how` is `preference`, `refused`, `word` or `api`."""

    since: datetime
    how: str
    category: str = "marketing"


@dataclass(frozen=True, slots=True)
class Handling:
    """Who answers a contact; for a person also since when, and until when if that person stays silent."""

    handled_by: HandledBy
    agent_at: datetime | None
    until: datetime | None


@dataclass(frozen=True, slots=True)
class KnownContact:
    """A contact with all its aliases, and the window, opt-out and handover of each of our numbers."""

    contact: Contact
    aliases: list[ContactAlias] = field(default_factory=list)
    windows: dict[str, Window] = field(default_factory=dict)
    opt_outs: dict[str, OptOut] = field(default_factory=dict)
    handling: dict[str, Handling] = field(default_factory=dict)

    @property
    def name(self) -> str | None:
        """The name that the team gave the contact, else the person's profile name."""
        return self.contact.given_name or self.contact.name


class ReadContacts:
    """Reads contacts. `numbers` limits a caller to the contacts of these phone number ids; None means all."""

    def __init__(self, database: Database, silence: timedelta, now: Callable[[], datetime]) -> None:
        self._database = database
        self._silence = silence
        self._now = now

    def page(
        self, *, limit: int, before: str | None, numbers: Numbers, wanted: ContactFilter = ALL
    ) -> list[KnownContact]:
        """Return a page of contacts below the id `before`, newest first. Raises `Unavailable`."""
        with self._database.read() as session:
            rows = contact_list.page(session, limit=limit, before=before, numbers=numbers, wanted=wanted)
            return self.describe(session, rows, numbers)

    def one(self, contact_id: str, numbers: Numbers) -> KnownContact:
        """Return a contact by our id. Raises `NotFound`, also for one without messages on any of `numbers`."""
        with self._database.read() as session:
            return self.describe(session, [find(session, contact_id, numbers)], numbers)[0]

    def id_of(self, text: str, numbers: Numbers, default_region: str | None) -> str:
        """Return our id of the contact with this id, phone number (in any notation) or business-scoped user id.

        Of several contacts that had a phone number, returns its present owner. Raises `NotFound`.
        """
        if is_our_id(text) or not may_name_somebody(text) or "\x00" in text:
            return text
        with self._database.read() as session:
            for contact_id in contact_search.find_by_names(session, names_of(text, default_region)):
                if contact_list.find(session, contact_id, numbers) is not None:
                    return contact_id
        raise NotFound("No contact is known by this number or user id.")

    def describe(self, session: Session, rows: list[Contact], numbers: Numbers) -> list[KnownContact]:
        """Return the contacts with their aliases, windows, opt-outs and handovers."""
        now = self._now()
        known = {row.id: KnownContact(row) for row in rows}
        for alias in contact_list.aliases(session, known):
            known[alias.contact_id].aliases.append(alias)
        for row in contact_numbers.find_many(session, known, numbers):
            contact = known[row.contact_id]
            if row.last_inbound_at is not None:
                expires_at = row.last_inbound_at + WINDOW
                contact.windows[row.phone_number_id] = Window(row.last_inbound_at, expires_at, now < expires_at)
            if row.opted_out and row.consent_at is not None and row.consent_source is not None:
                contact.opt_outs[row.phone_number_id] = OptOut(row.consent_at, row.consent_source)
            contact.handling[row.phone_number_id] = self._handling(contact_numbers.handover_of(row), now)
        return list(known.values())

    def _handling(self, handover: Handover, now: datetime) -> Handling:
        by = handover.handled_by(now, self._silence)
        return Handling(by, handover.agent_at, handover.until(self._silence) if by is HandledBy.HUMAN else None)


def find(session: Session, contact_id: str, numbers: Numbers) -> Contact:
    """Return a contact's row if it is visible to these numbers. Raises `NotFound`."""
    row = contact_list.find(session, contact_id, numbers) if "\x00" not in contact_id else None
    if row is None:
        raise NotFound("No contact has this id.")
    return row
