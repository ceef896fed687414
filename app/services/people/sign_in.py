"""Sign in by a link, once; find the person of a session; sign out.

A session ends when it was not used for the idle time, at the latest after its lifetime, and at once when its person
signs out or loses access, because each request asks the database.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from app.db.database import Database
from app.domain.people import Person, name_key
from app.errors import Unavailable
from app.ids import new_id
from app.security.encryption import hash_key
from app.services.audit_log import record_act
from app.services.people.rows import new_token, to_person
from app.store import people

SEE_EVERY = timedelta(minutes=1)
"""How often the use of a session is written at most."""


class LinkState(Enum):
    """What became of a sign-in link."""

    usable = "usable"
    used = "used"
    expired = "expired"
    unknown = "unknown"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A new session: its person, the text of its cookie, and until when it lasts at most."""

    person: Person
    cookie: str
    expires_at: datetime


class SignIn:
    """Links in, sessions out. One object per process."""

    def __init__(
        self, database: Database, now: Callable[[], datetime], *, idle: timedelta, lifetime: timedelta
    ) -> None:  # fmt: skip
        """`idle` is how long a session lasts without use, `lifetime` how long at most."""
        self._database = database
        self._now = now
        self._idle = idle
        self._lifetime = lifetime

    def look(self, token: str) -> tuple[LinkState, str]:
        """Return the state of a link, and its person's name where it is usable. The link stays as it is."""
        with self._database.read() as session:
            link = people.find_link(session, hash_key(token))
            person = people.find(session, link.person_id) if link else None
        if link is None or person is None or person.disabled_at is not None:
            return LinkState.unknown, ""
        if link.used_at is not None:
            return LinkState.used, ""
        return (LinkState.usable, person.name) if link.expires_at > self._now() else (LinkState.expired, "")

    def enter(self, token: str, instead_of: str = "") -> SignedIn | None:
        """Use a link up and begin a session; None if it cannot be used. Of several callers at once, one gets in.

        `instead_of` is the cookie that the browser had before: a session of it ends.
        """
        now, cookie = self._now(), new_token()
        expires = now + self._lifetime
        with self._database.write() as session:
            person_id = people.use_link(session, hash_key(token), now)
            row = people.find(session, person_id) if person_id else None
            if row is None or row.disabled_at is not None:
                return None
            person = to_person(row)
            people.end_session(session, hash_key(instead_of))
            facts = {"id": new_id(), "person_id": person.id, "hash": hash_key(cookie)}
            people.add_session(session, {**facts, "created_at": now, "seen_at": now, "expires_at": expires})
            subject = f"person:{person.id}"
            record_act(session, now, act="person.signed_in", subject=subject, actor=subject)
        return SignedIn(person, cookie, expires)

    def who(self, cookie: str, *, is_use: bool = True) -> Person | None:
        """Return the person of a session; None if it has ended. Raises `Unavailable`.

        `is_use` is false for what a browser asks by itself, which does not make a session last longer.
        """
        now = self._now()
        with self._database.read() as session:
            found = people.find_session(session, hash_key(cookie), seen_after=now - self._idle, now=now)
        if found is None:
            return None
        row, its_session = found
        if is_use and now - its_session.seen_at >= SEE_EVERY:
            self._see(its_session.id, now)
        return to_person(row)

    def named(self, name: str) -> Person | None:
        """Return the person whom a trusted proxy signed in under this name; None if there is none with access."""
        with self._database.read() as session:
            row = people.find_by_name(session, name_key(name))
        return None if row is None or row.disabled_at is not None else to_person(row)

    def leave(self, cookie: str) -> None:
        """End a session. Nothing happens if there is none."""
        with self._database.write() as session:
            people.end_session(session, hash_key(cookie))

    def _see(self, session_id: str, now: datetime) -> None:
        try:
            with self._database.write() as session:
                people.see(session, session_id, now)
        except Unavailable:
            return  # the page can still be read; the next request tries again
