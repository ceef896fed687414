"""Who an item is about: a contact we have, or a new one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from app.domain.messages import ContactRef
from app.domain.notifications import Person
from app.domain.phone_numbers import variants
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
    """The contacts that a chunk speaks of, with what it adds to them.

    `merged` says which contact became part of which: a payload that names two of them together shows that they are one
    person. The older one stays.
    """

    now: datetime
    known: dict[Alias, ContactRef]
    new: dict[str, ContactRef] = field(default_factory=dict)
    changed: dict[str, ContactRef] = field(default_factory=dict)
    new_aliases: dict[Alias, str] = field(default_factory=dict)
    merged: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, now: datetime, found: dict[Alias, Contact]) -> ContactBook:
        """Begin with the contacts that the database knows."""
        return cls(now, {alias: to_ref(row) for alias, row in found.items()})

    def get(self, person: Person | None, formerly: Person | None = None) -> ContactRef | None:
        """The person's contact; a new one for somebody new, None for nobody in particular.

        `formerly` is what the same person was called before: whoever is known by either is meant.
        """
        names = list(dict.fromkeys(aliases(person) + aliases(formerly)))
        if not names:
            return None
        found = self._find(names) or self._find([variant for name in names for variant in variants_of(name)])
        if found is None:
            shown = person if person is not None and person.is_known else formerly
            found = ContactRef(new_id(), *(getattr(shown, name) for name in _DISPLAY))
            self.new[found.id] = found
        elif person is not None:
            found = self._update(found, person)
        for name in names:
            if name not in self.known:
                self.new_aliases[name] = found.id
                self.known[name] = found
        return found

    def current(self, contact_id: str | None) -> str | None:
        """The contact that this one is by now."""
        while contact_id in self.merged:
            contact_id = self.merged[contact_id]
        return contact_id

    def _find(self, names: list[Alias]) -> ContactRef | None:
        found = {self.known[name].id: self.known[name] for name in names if name in self.known}
        if not found:
            return None
        oldest = found.pop(min(found))
        for other in found.values():
            oldest = self._merge(oldest, other)
        return oldest

    def _merge(self, stays: ContactRef, goes: ContactRef) -> ContactRef:
        facts = {name: getattr(stays, name) or getattr(goes, name) for name in _DISPLAY}
        whole = ContactRef(stays.id, **facts)
        self.merged[goes.id] = stays.id
        self.new.pop(goes.id, None)
        self.changed.pop(goes.id, None)
        self.new_aliases |= {name: stays.id for name, owner in self.new_aliases.items() if owner == goes.id}
        self._replace(whole, {stays.id, goes.id})
        return whole

    def _update(self, contact: ContactRef, person: Person) -> ContactRef:
        news = {
            name: value
            for name in _DISPLAY
            if (value := getattr(person, name)) is not None and value != getattr(contact, name)
        }
        if not news:
            return contact
        updated = replace(contact, **news)
        self._replace(updated, {contact.id})
        return updated

    def _replace(self, contact: ContactRef, ids: set[str]) -> None:
        for alias, ref in self.known.items():
            if ref.id in ids:
                self.known[alias] = contact
        (self.new if contact.id in self.new else self.changed)[contact.id] = contact

    def new_rows(self) -> list[dict[str, Any]]:
        """Rows for the new contacts."""
        created = {"event_count": 0, "created_at": self.now, "updated_at": self.now}
        return [_row(contact) | created for contact in self.new.values()]

    def changed_rows(self) -> list[dict[str, Any]]:
        """What changed about contacts that the database has, in the order of their ids."""
        return [_row(self.changed[key]) | {"updated_at": self.now} for key in sorted(self.changed)]

    def alias_rows(self) -> list[dict[str, Any]]:
        """Rows for the new aliases."""
        return [{"kind": k, "value": v, "contact_id": owner} for (k, v), owner in self.new_aliases.items()]


def to_ref(row: Contact) -> ContactRef:
    """The contact as messages refer to it."""
    return ContactRef(row.id, row.wa_id, row.user_id, row.parent_user_id, row.username, row.name)


def _row(contact: ContactRef) -> dict[str, Any]:
    return {"id": contact.id} | {name: getattr(contact, name) for name in _DISPLAY}


def variants_of(alias: Alias) -> list[Alias]:
    """The other ways in which Meta may write a phone number: Argentine, Mexican and Brazilian ones have two."""
    kind, value = alias
    return [(kind, other) for other in variants(value)[1:]] if kind == "wa_id" else []


def all_aliases(people: Iterable[Person | None]) -> set[Alias]:
    """Every name by which these people may be known."""
    exact = {alias for person in people for alias in aliases(person)}
    return exact | {variant for alias in exact for variant in variants_of(alias)}
