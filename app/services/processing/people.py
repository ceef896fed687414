"""Who an item is about: a contact we have, or a new one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from app.domain.messages import ContactRef
from app.domain.notifications import Person
from app.ids import new_id
from app.models import Contact
from app.store.contacts import Alias

_KINDS = ("wa_id", "user_id", "parent_user_id")
_DISPLAY = (*_KINDS, "username", "name")


def aliases(person: Person | None) -> list[Alias]:
    """The names that identify a person, the surest first."""
    if person is None:
        return []
    return [(kind, value) for kind in _KINDS if (value := getattr(person, kind))]


@dataclass(slots=True)
class ContactBook:
    """The contacts that a chunk speaks of, with what it adds to them."""

    now: datetime
    known: dict[Alias, ContactRef]
    new: dict[str, ContactRef] = field(default_factory=dict)
    changed: dict[str, ContactRef] = field(default_factory=dict)
    new_aliases: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def of(cls, now: datetime, found: dict[Alias, Contact]) -> ContactBook:
        """Begin with the contacts that the database knows."""
        return cls(now, {alias: to_ref(row) for alias, row in found.items()})

    def get(self, person: Person | None) -> ContactRef | None:
        """The person's contact; a new one for somebody new, None for nobody in particular."""
        names = aliases(person)
        if person is None or not names:
            return None
        found = next((self.known[name] for name in names if name in self.known), None)
        if found is None:
            found = ContactRef(new_id(), *(getattr(person, name) for name in _DISPLAY))
            self.new[found.id] = found
        else:
            found = self._update(found, person)
        for name in names:
            if name not in self.known:
                self.new_aliases.append({"kind": name[0], "value": name[1], "contact_id": found.id})
                self.known[name] = found
        return found

    def _update(self, contact: ContactRef, person: Person) -> ContactRef:
        news = {
            name: value
            for name in _DISPLAY
            if (value := getattr(person, name)) is not None and value != getattr(contact, name)
            # A name that identifies somebody else stays with them; merging two contacts is not done in passing.
            and (name not in _KINDS or self.known.get((name, value), contact).id == contact.id)
        }
        if not news:
            return contact
        updated = replace(contact, **news)
        for alias, ref in self.known.items():
            if ref.id == contact.id:
                self.known[alias] = updated
        (self.new if contact.id in self.new else self.changed)[contact.id] = updated
        return updated

    def new_rows(self) -> list[dict[str, Any]]:
        """Rows for the new contacts."""
        created = {"event_count": 0, "created_at": self.now, "updated_at": self.now}
        return [_row(contact) | created for contact in self.new.values()]

    def changed_rows(self) -> list[dict[str, Any]]:
        """What changed about contacts that the database has, in the order of their ids."""
        return [_row(self.changed[key]) | {"updated_at": self.now} for key in sorted(self.changed)]


def to_ref(row: Contact) -> ContactRef:
    """The contact as messages refer to it."""
    return ContactRef(row.id, row.wa_id, row.user_id, row.parent_user_id, row.username, row.name)


def _row(contact: ContactRef) -> dict[str, Any]:
    return {"id": contact.id} | {name: getattr(contact, name) for name in _DISPLAY}


def all_aliases(people: Iterable[Person | None]) -> set[Alias]:
    """Every identifying name of these people."""
    return {alias for person in people for alias in aliases(person)}
