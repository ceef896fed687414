"""Add, change and remove people, and make their sign-in links."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from app.db.database import Database
from app.domain.people import LANGUAGES, LONGEST_NAME, ROLES, THEMES, Person, is_name, name_key
from app.errors import Invalid, NotFound
from app.ids import new_id
from app.models import StoredPerson
from app.security.encryption import hash_key
from app.services.audit_log import record_act
from app.services.people.rows import new_token, to_person
from app.store import people

LINK_LIFETIME = timedelta(hours=1)
FIRST_NAME = "admin"
"""The name of the person who is added by a first start."""


@dataclass(frozen=True, slots=True)
class PersonView:
    """A person as admins see them. `sessions` are browsers signed in now, `last_seen_at` is when one was used last."""

    person: Person
    created_at: datetime
    disabled_at: datetime | None
    sessions: int
    last_seen_at: datetime | None


class ManagePeople:
    """What admins do about people. Every change is one transaction."""

    def __init__(self, database: Database, now: Callable[[], datetime], idle: timedelta) -> None:
        """`idle` is how long a session lasts without use."""
        self._database = database
        self._now = now
        self._idle = idle

    def add(self, name: str, role: str, numbers: Sequence[str] | None = None) -> Person:
        """Add a person, who may see these phone number ids; None means all. Raises `Invalid`."""
        name = name.strip()
        _check_role(role, numbers)
        with self._database.write() as session:
            _check_name(session, name)
            row: dict[str, Any] = {"id": new_id(), "name": name, "name_key": name_key(name), "role": role}
            people.add(session, {**row, "numbers": _sorted(numbers), "created_at": self._now()})
            self._record(session, "person.added", row["id"], name=name, role=role, numbers=_sorted(numbers))
            return to_person(_found(session, row["id"]))

    def all(self) -> list[PersonView]:
        """Return all people by name, those without access too."""
        now = self._now()
        with self._database.read() as session:
            signed_in = people.sessions(session, seen_after=now - self._idle, now=now)
            return [_view(row, signed_in) for row in people.all_people(session)]

    def one(self, person_id: str) -> PersonView:
        """Return one person. Raises `NotFound`."""
        now = self._now()
        with self._database.read() as session:
            return _view(_found(session, person_id), people.sessions(session, seen_after=now - self._idle, now=now))

    def named(self, name: str) -> Person:
        """Return the person of this name, with access or without. Raises `NotFound`."""
        with self._database.read() as session:
            row = people.find_by_name(session, name_key(name.strip()))
        if row is None:
            raise NotFound("There is no person of that name; `people list` shows all.")
        return to_person(row)

    def change(self, person_id: str, *, role: str, numbers: Sequence[str] | None) -> Person:
        """Change what a person may do and see, from their next request on. Raises `Invalid`, `NotFound`."""
        _check_role(role, numbers)
        return self._update(person_id, "person.changed", {"role": role, "numbers": _sorted(numbers)})

    def prefer(self, person_id: str, *, language: str | None, theme: str | None) -> Person:
        """Set a person's language and look; None means what the browser asks for. Raises `Invalid`, `NotFound`."""
        wrong = {
            name: [f"must be one of {', '.join(choices)}"]
            for name, value, choices in (("language", language, LANGUAGES), ("theme", theme, THEMES))
            if value is not None and value not in choices
        }
        if wrong:
            raise Invalid(fields=wrong)
        return self._update(person_id, None, {"language": language, "theme": theme})

    def disable(self, person_id: str) -> Person:
        """Take a person's access away at once: their sessions and links end. Raises `NotFound`."""
        return self._update(person_id, "person.disabled", {"disabled_at": self._now()})

    def enable(self, person_id: str) -> Person:
        """Let a person sign in again, by a new link. Raises `NotFound`."""
        return self._update(person_id, "person.enabled", {"disabled_at": None})

    def remove(self, person_id: str) -> None:
        """Delete a person, with their links and sessions. Raises `NotFound`."""
        with self._database.write() as session:
            name = _found(session, person_id).name
            people.remove(session, person_id)
            self._record(session, "person.removed", person_id, name=name)

    def sign_out(self, person_id: str) -> int:
        """End all sessions of a person and revoke their links; return how many sessions ended. Raises `NotFound`."""
        with self._database.write() as session:
            _found(session, person_id)
            people.revoke_links(session, person_id)
            self._record(session, "person.signed_out", person_id)
            return people.end_sessions(session, person_id)

    def make_link(self, person_id: str) -> str:
        """Return the token of a new link by which a person can sign in once, within an hour; it is not stored.

        Raises `NotFound`, or `Invalid` if the person has no access.
        """
        now, token = self._now(), new_token()
        with self._database.write() as session:
            if _found(session, person_id).disabled_at is not None:
                raise Invalid("This person has no access; give it back first.")
            row = {"id": new_id(), "person_id": person_id, "hash": hash_key(token)}
            people.add_link(session, {**row, "created_at": now, "expires_at": now + LINK_LIFETIME})
            self._record(session, "person.link_made", person_id)
            people.purge(session, seen_before=now - self._idle, now=now, links_before=now - 24 * LINK_LIFETIME)
        return token

    def make_first_link(self) -> str:
        """Return the token of a link for the first admin, who is added if there is none."""
        with self._database.read() as session:
            row = people.first_admin(session)
            is_taken = people.find_by_name(session, FIRST_NAME) is not None
        name = FIRST_NAME if not is_taken else f"{FIRST_NAME} {new_id()[-4:]}"
        person_id = self.add(name, "admin").id if row is None else row.id
        return self.make_link(person_id)

    def open_links(self, person_id: str) -> list[datetime]:
        """Return until when each of a person's unused links works."""
        with self._database.read() as session:
            return [link.expires_at for link in people.open_links(session, person_id, self._now())]

    def revoke_links(self, person_id: str) -> int:
        """Revoke a person's unused links; return how many there were. Raises `NotFound`."""
        with self._database.write() as session:
            _found(session, person_id)
            count = len(people.open_links(session, person_id, self._now()))
            people.revoke_links(session, person_id)
            self._record(session, "person.links_revoked", person_id)
            return count

    def _update(self, person_id: str, act: str | None, values: dict[str, Any]) -> Person:
        with self._database.write() as session:
            _found(session, person_id)
            people.change(session, person_id, values)
            if "disabled_at" in values:  # given back, too: somebody may have entered at the moment when it was taken
                people.end_sessions(session, person_id)
                people.revoke_links(session, person_id)
            if act is not None:
                details = {name: value for name, value in values.items() if name != "disabled_at"}
                self._record(session, act, person_id, **details)
            session.expire_all()
            return to_person(_found(session, person_id))

    def _record(self, session: Session, act: str, person_id: str, **details: Any) -> None:
        record_act(session, self._now(), act=act, subject=f"person:{person_id}", details=details)


def _found(session: Session, person_id: str) -> StoredPerson:
    row = people.find(session, person_id)
    if row is None:
        raise NotFound("There is no such person.")
    return row


def _check_name(session: Session, name: str) -> None:
    if not is_name(name):
        raise Invalid(fields={"name": [f"must be 1 to {LONGEST_NAME} printable characters"]})
    if people.find_by_name(session, name_key(name)) is not None:
        raise Invalid(fields={"name": ["is taken; choose another"]})


def _check_role(role: str, numbers: Sequence[str] | None) -> None:
    if role not in ROLES:
        raise Invalid(fields={"role": [f"must be one of {', '.join(ROLES)}"]})
    if role == "admin" and numbers is not None:
        raise Invalid(fields={"numbers": ["are for agents; an admin sees all numbers"]})


def _sorted(numbers: Sequence[str] | None) -> list[str] | None:
    return None if numbers is None else sorted(set(numbers))


def _view(row: StoredPerson, signed_in: dict[str, tuple[int, datetime]]) -> PersonView:
    count, last = signed_in.get(row.id, (0, None))
    return PersonView(to_person(row), row.created_at, row.disabled_at, count, last)
