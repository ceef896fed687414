"""Resolve the ids that Meta gives a person to a contact: an existing one, or a new one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple

from app.domain.messages import ContactRef
from app.domain.notifications import Person
from app.domain.numbers import OWN_REALM
from app.domain.phone_numbers import variants
from app.ids import new_id
from app.models import Contact
from app.store.contacts import Alias, Owner

_KINDS = ("wa_id", "user_id", "parent_user_id")
_DISPLAY = (*_KINDS, "username", "name", "given_name")


class Validity(NamedTuple):
    """The time during which an alias belongs to its contact. None means unbounded."""

    since: datetime | None = None
    until: datetime | None = None


_ALWAYS = Validity()


def aliases_of(person: Person | None) -> list[Alias]:
    """Return a person's aliases, the most reliable kind first; empty for None and for a person without ids."""
    if person is None:
        return []
    return [(kind, value) for kind in _KINDS if (value := getattr(person, kind))]


@dataclass(slots=True)
class IdentityResolver:
    """Resolves persons to contacts of one realm in memory, and collects the rows to write for that.

    `owners` maps each known alias to its contact. `new` and `changed` hold contacts to insert and to update, and
    `new_aliases` the contact id of each alias to insert. `merged` maps a contact's id to that of the contact that
    absorbs it: a payload that names two contacts together proves that they are one person, and the older one stays.
    `validity` holds the aliases that do not belong to their owner at all times. `reassigned` maps stored aliases whose
    owner or validity changes to their owner in the database. `given_name_changes` are the ids of contacts that the
    business renamed in its address book; the given name of every other contact is not written, because a user of the
    API may be changing it at the same time.
    """

    now: datetime
    owners: dict[Alias, ContactRef]
    realm: str = OWN_REALM
    validity: dict[Alias, Validity] = field(default_factory=dict)
    new: dict[str, ContactRef] = field(default_factory=dict)
    changed: dict[str, ContactRef] = field(default_factory=dict)
    new_aliases: dict[Alias, str] = field(default_factory=dict)
    reassigned: dict[Alias, str] = field(default_factory=dict)
    merged: dict[str, str] = field(default_factory=dict)
    given_name_changes: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, now: datetime, found: Mapping[Alias, Owner], realm: str = OWN_REALM) -> IdentityResolver:
        """Create a resolver from the alias owners that the database holds for a realm."""
        owners = {alias: to_ref(owner.contact) for alias, owner in found.items()}
        validity = {
            alias: Validity(owner.since, owner.until) for alias, owner in found.items() if owner.since or owner.until
        }
        return cls(now, owners, realm, validity)

    def resolve_or_create(
        self, person: Person | None, formerly: Person | None = None, *, at: datetime | None = None
    ) -> ContactRef | None:
        """Return the contact that a person's aliases belonged to `at` that time (default: now).

        Adds a new contact to `new` if no alias is known. `formerly` holds earlier ids of the same person: contacts
        known by either are merged. Returns None for a person without ids, and for one whose phone number belongs to
        another contact by now.
        """
        at = at or self.now
        current = aliases_of(person)
        names = list(dict.fromkeys(current + aliases_of(formerly)))
        if not names:
            return None
        found = self._find(names, at) or self._find([variant for name in names for variant in variants_of(name)], at)
        if found is None:
            if all(self._is_before_first(name, at) for name in names):
                return None  # the number belongs to another contact by now
            shown = person if person is not None and person.is_known else formerly
            found = ContactRef(new_id(), *(getattr(shown, name) for name in _DISPLAY))
            self.new[found.id] = found
        for name in names:
            self._attach(name, found, at, is_current=name in current)
        return found if person is None else self._update(found, person)

    def end_aliases(self, contact: ContactRef, former: Person, current: Person, at: datetime) -> None:
        """End the validity of the aliases of `former` that `current` does not have, at the time `at`.

        Operators reassign phone numbers, so a later message from such a number must not resolve to this contact.
        """
        kept = {each for name in aliases_of(current) for each in (name, *variants_of(name))}
        for name in {each for old in aliases_of(former) for each in (old, *variants_of(old))} - kept:
            owner = self.owners.get(name)
            if owner is not None and owner.id == contact.id:
                period = self.validity.get(name, _ALWAYS)
                self._set_validity(name, contact.id, Validity(period.since, min(period.until or at, at)))

    def current(self, contact_id: str | None) -> str | None:
        """Return the id of the contact that this one was merged into, or its own id."""
        while contact_id in self.merged:
            contact_id = self.merged[contact_id]
        return contact_id

    def _find(self, names: list[Alias], at: datetime) -> ContactRef | None:
        found = {
            self.owners[name].id: self.owners[name]
            for name in names
            if name in self.owners and self._is_valid(name, at)
        }
        if not found:
            return None
        oldest = found.pop(min(found))
        for other in found.values():
            oldest = self._merge(oldest, other)
        return oldest

    def _is_valid(self, name: Alias, at: datetime) -> bool:
        """Whether an alias belongs to its owner at that time. Only phone numbers change owner."""
        period = self.validity.get(name)
        if period is None or name[0] != "wa_id":
            return True
        return (period.since is None or at >= period.since) and (period.until is None or at <= period.until)

    def _is_before_first(self, name: Alias, at: datetime) -> bool:
        since = self.validity.get(name, _ALWAYS).since
        return since is not None and at < since and not self._is_valid(name, at)

    def _attach(self, name: Alias, contact: ContactRef, at: datetime, *, is_current: bool) -> None:
        owner = self.owners.get(name)
        if owner is None:
            self.new_aliases[name] = contact.id
            self.owners[name] = contact
        elif is_current and not self._is_valid(name, at):
            period = self.validity[name]
            if period.until is not None and at > period.until:  # it was ended, and is in use again
                self._set_validity(name, owner.id, Validity(period.since if owner.id == contact.id else at))
                self.owners[name] = contact
                if name in self.new_aliases:
                    self.new_aliases[name] = contact.id

    def _set_validity(self, name: Alias, owner_id: str, period: Validity) -> None:
        self.validity[name] = period
        if name not in self.new_aliases:
            self.reassigned.setdefault(name, owner_id)

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
            if (value := getattr(person, name)) is not None
            and value != getattr(contact, name)
            and self.validity.get((name, value), _ALWAYS).until is None
        }
        if not news:
            return contact
        updated = replace(contact, **news)
        if "given_name" in news and contact.id not in self.new:
            self.given_name_changes.add(contact.id)
        self._replace(updated, {contact.id})
        return updated

    def _replace(self, contact: ContactRef, ids: set[str]) -> None:
        for alias, ref in self.owners.items():
            if ref.id in ids:
                self.owners[alias] = contact
        (self.new if contact.id in self.new else self.changed)[contact.id] = contact

    def new_rows(self) -> list[dict[str, Any]]:
        """Return the rows of the contacts to insert."""
        created = {"event_count": 0, "created_at": self.now, "updated_at": self.now}
        return [_row(contact) | created for contact in self.new.values()]

    def changed_rows(self) -> list[dict[str, Any]]:
        """Return the display columns of the contacts to update, ordered by id."""
        return [_row(self.changed[key]) | {"updated_at": self.now} for key in sorted(self.changed)]

    def given_name_rows(self) -> list[dict[str, Any]]:
        """Return `id`, `given_name` and `updated_at` of the stored contacts that the business renamed."""
        named = sorted(self.given_name_changes & self.changed.keys())
        return [{"id": key, "given_name": self.changed[key].given_name, "updated_at": self.now} for key in named]

    def alias_rows(self) -> list[dict[str, Any]]:
        """Return the rows of the aliases to insert."""
        return [{"kind": name[0], "value": name[1], **self._owner_of(name)} for name in self.new_aliases]

    def reassigned_rows(self) -> list[tuple[Alias, str, dict[str, Any]]]:
        """Return the aliases to update: the alias, its owner's id in the database, and the columns to set."""
        return [(name, str(self.current(was)), self._owner_of(name)) for name, was in sorted(self.reassigned.items())]

    def _owner_of(self, name: Alias) -> dict[str, Any]:
        period = self.validity.get(name, _ALWAYS)
        return {"app": self.realm, "contact_id": self.owners[name].id, "since": period.since, "until": period.until}


def to_ref(row: Contact) -> ContactRef:
    """Return a contact's row as the reference that messages carry."""
    return ContactRef(
        row.id, row.wa_id, row.user_id, row.parent_user_id, row.username, row.name, row.given_name
    )


def _row(contact: ContactRef) -> dict[str, Any]:
    return {"id": contact.id} | {name: getattr(contact, name) for name in _DISPLAY}


def variants_of(alias: Alias) -> list[Alias]:
    """Return the other forms in which Meta may write the same phone number (Argentina, Mexico and Brazil have two)."""
    kind, value = alias
    return [(kind, other) for other in variants(value)[1:]] if kind == "wa_id" else []


def lookup_aliases(people: Iterable[Person | None]) -> set[Alias]:
    """Return every alias under which these persons may be stored, variants of phone numbers included."""
    exact = {alias for person in people for alias in aliases_of(person)}
    return exact | {variant for alias in exact for variant in variants_of(alias)}
