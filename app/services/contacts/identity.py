"""Who an item is about: a contact we have, or a new one."""

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


class Span(NamedTuple):
    """From when to when a name is, or was, somebody's; None is no bound."""

    since: datetime | None = None
    until: datetime | None = None


_ALWAYS = Span()


def aliases(person: Person | None) -> list[Alias]:
    """The names that identify a person, the surest first."""
    if person is None:
        return []
    return [(kind, value) for kind in _KINDS if (value := getattr(person, kind))]


@dataclass(slots=True)
class ContactBook:
    """The contacts of one realm that a chunk speaks of, with what it adds to them.

    `merged` says which contact became part of which: a payload that names two of them together shows that they are one
    person. The older one stays. `spans` holds the names that are not always their owner's, `moved` those of the
    database that are to change owner or span, with their owner there. `named` are contacts that the business itself
    calls otherwise from now on; of all others that is left as it is, since somebody may be changing it.
    """

    now: datetime
    known: dict[Alias, ContactRef]
    realm: str = OWN_REALM
    spans: dict[Alias, Span] = field(default_factory=dict)
    new: dict[str, ContactRef] = field(default_factory=dict)
    changed: dict[str, ContactRef] = field(default_factory=dict)
    new_aliases: dict[Alias, str] = field(default_factory=dict)
    moved: dict[Alias, str] = field(default_factory=dict)
    merged: dict[str, str] = field(default_factory=dict)
    named: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, now: datetime, found: Mapping[Alias, Owner], realm: str = OWN_REALM) -> ContactBook:
        """Begin with the contacts that the database knows in a realm."""
        known = {alias: to_ref(owner.contact) for alias, owner in found.items()}
        spans = {alias: Span(owner.since, owner.until) for alias, owner in found.items() if owner.since or owner.until}
        return cls(now, known, realm, spans)

    def get(
        self, person: Person | None, formerly: Person | None = None, *, at: datetime | None = None
    ) -> ContactRef | None:
        """The contact of who had these names `at` that time (now); a new one for somebody new.

        None for nobody in particular, and for somebody whose number has since become another contact's.

        `formerly` is what the same person was called before: whoever is known by either is meant.
        """
        at = at or self.now
        current = aliases(person)
        names = list(dict.fromkeys(current + aliases(formerly)))
        if not names:
            return None
        found = self._find(names, at) or self._find([variant for name in names for variant in variants_of(name)], at)
        if found is None:
            if all(self._is_before(name, at) for name in names):
                return None  # whoever it was, their number is somebody else's now
            shown = person if person is not None and person.is_known else formerly
            found = ContactRef(new_id(), *(getattr(shown, name) for name in _DISPLAY))
            self.new[found.id] = found
        for name in names:
            self._give(name, found, at, is_current=name in current)
        return found if person is None else self._update(found, person)

    def give_up(self, contact: ContactRef, former: Person, current: Person, at: datetime) -> None:
        """Let names that a contact no longer has end at that time.

        A phone number then finds the contact no more for what is said later: it will be somebody else's.
        """
        kept = {each for name in aliases(current) for each in (name, *variants_of(name))}
        for name in {each for old in aliases(former) for each in (old, *variants_of(old))} - kept:
            owner = self.known.get(name)
            if owner is not None and owner.id == contact.id:
                span = self.spans.get(name, _ALWAYS)
                self._set_span(name, contact.id, Span(span.since, min(span.until or at, at)))

    def current(self, contact_id: str | None) -> str | None:
        """The contact that this one is by now."""
        while contact_id in self.merged:
            contact_id = self.merged[contact_id]
        return contact_id

    def _find(self, names: list[Alias], at: datetime) -> ContactRef | None:
        found = {
            self.known[name].id: self.known[name] for name in names if name in self.known and self._has(name, at)
        }
        if not found:
            return None
        oldest = found.pop(min(found))
        for other in found.values():
            oldest = self._merge(oldest, other)
        return oldest

    def _has(self, name: Alias, at: datetime) -> bool:
        """Whether a name is its owner's at that time. Only phone numbers go from one person to another."""
        span = self.spans.get(name)
        if span is None or name[0] != "wa_id":
            return True
        return (span.since is None or at >= span.since) and (span.until is None or at <= span.until)

    def _is_before(self, name: Alias, at: datetime) -> bool:
        since = self.spans.get(name, _ALWAYS).since
        return since is not None and at < since and not self._has(name, at)

    def _give(self, name: Alias, contact: ContactRef, at: datetime, *, is_current: bool) -> None:
        owner = self.known.get(name)
        if owner is None:
            self.new_aliases[name] = contact.id
            self.known[name] = contact
        elif is_current and not self._has(name, at):
            span = self.spans[name]
            if span.until is not None and at > span.until:  # it was given up, and is in use again
                self._set_span(name, owner.id, Span(span.since if owner.id == contact.id else at))
                self.known[name] = contact
                if name in self.new_aliases:
                    self.new_aliases[name] = contact.id

    def _set_span(self, name: Alias, owner_id: str, span: Span) -> None:
        self.spans[name] = span
        if name not in self.new_aliases:
            self.moved.setdefault(name, owner_id)

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
            and self.spans.get((name, value), _ALWAYS).until is None
        }
        if not news:
            return contact
        updated = replace(contact, **news)
        if "given_name" in news and contact.id not in self.new:
            self.named.add(contact.id)
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

    def named_rows(self) -> list[dict[str, Any]]:
        """What the business calls contacts that the database has."""
        named = sorted(self.named & self.changed.keys())
        return [{"id": key, "given_name": self.changed[key].given_name, "updated_at": self.now} for key in named]

    def alias_rows(self) -> list[dict[str, Any]]:
        """Rows for the new aliases."""
        return [{"kind": name[0], "value": name[1], **self._owner_of(name)} for name in self.new_aliases]

    def moved_rows(self) -> list[tuple[Alias, str, dict[str, Any]]]:
        """The aliases to change: the name, whose it is in the database by now, and whose it is to be and when."""
        return [(name, str(self.current(was)), self._owner_of(name)) for name, was in sorted(self.moved.items())]

    def _owner_of(self, name: Alias) -> dict[str, Any]:
        span = self.spans.get(name, _ALWAYS)
        return {"app": self.realm, "contact_id": self.known[name].id, "since": span.since, "until": span.until}


def to_ref(row: Contact) -> ContactRef:
    """The contact as messages refer to it."""
    return ContactRef(
        row.id, row.wa_id, row.user_id, row.parent_user_id, row.username, row.name, row.given_name
    )


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
