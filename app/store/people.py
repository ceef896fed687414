"""Rows of people, of their sign-in links and of their sessions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import CursorResult, delete, func, insert, select, update
from sqlalchemy.orm import Session

from app.models import PersonSession, SignInLink, StoredPerson
from app.store import push


def add(session: Session, row: dict[str, Any]) -> None:
    """Insert a person."""
    session.execute(insert(StoredPerson), [row])


def all_people(session: Session) -> Sequence[StoredPerson]:
    """Return all people by name, those without access too."""
    return session.scalars(select(StoredPerson).order_by(StoredPerson.name_key)).all()


def find(session: Session, person_id: str) -> StoredPerson | None:
    """Return the person with this id; None if there is none."""
    return session.get(StoredPerson, person_id)


def find_by_name(session: Session, name_key: str) -> StoredPerson | None:
    """Return the person of this name; None if there is none."""
    return session.scalar(select(StoredPerson).where(StoredPerson.name_key == name_key))


def first_admin(session: Session) -> StoredPerson | None:
    """Return the admin who was added first, of those with access; None if there is none."""
    query = select(StoredPerson).where(StoredPerson.role == "admin", StoredPerson.disabled_at.is_(None))
    return session.scalar(query.order_by(StoredPerson.id).limit(1))


def change(session: Session, person_id: str, values: dict[str, Any]) -> bool:
    """Change a person; return False if there is none."""
    return _count(session.execute(update(StoredPerson).where(StoredPerson.id == person_id).values(values))) == 1


def remove(session: Session, person_id: str) -> bool:
    """Delete a person with their links and sessions; return False if there is none."""
    end_sessions(session, person_id)
    revoke_links(session, person_id)
    return _count(session.execute(delete(StoredPerson).where(StoredPerson.id == person_id))) == 1


def add_link(session: Session, row: dict[str, Any]) -> None:
    """Insert a sign-in link."""
    session.execute(insert(SignInLink), [row])


def find_link(session: Session, hashed: str) -> SignInLink | None:
    """Return the link with this hash, used and expired ones too; None if there is none."""
    return session.scalar(select(SignInLink).where(SignInLink.hash == hashed))


def use_link(session: Session, hashed: str, now: datetime) -> str | None:
    """Mark a link as used; return its person's id, or None if it was used before, has expired or is unknown.

    Of several callers at once one gets the id: the row decides.
    """
    usable = (SignInLink.hash == hashed, SignInLink.used_at.is_(None), SignInLink.expires_at > now)
    return session.scalar(update(SignInLink).where(*usable).values(used_at=now).returning(SignInLink.person_id))


def open_links(session: Session, person_id: str, now: datetime) -> Sequence[SignInLink]:
    """Return the links by which this person can still sign in."""
    usable = (SignInLink.person_id == person_id, SignInLink.used_at.is_(None), SignInLink.expires_at > now)
    return session.scalars(select(SignInLink).where(*usable).order_by(SignInLink.id)).all()


def revoke_links(session: Session, person_id: str) -> int:
    """Delete this person's links; return how many there were."""
    return _count(session.execute(delete(SignInLink).where(SignInLink.person_id == person_id)))


def add_session(session: Session, row: dict[str, Any]) -> None:
    """Insert a session."""
    session.execute(insert(PersonSession), [row])


def find_session(
    session: Session, hashed: str, *, seen_after: datetime, now: datetime
) -> tuple[StoredPerson, PersonSession] | None:
    """Return the person and the session with this hash; None if it has ended or the person has no access."""
    lives = (PersonSession.seen_at > seen_after, PersonSession.expires_at > now, StoredPerson.disabled_at.is_(None))
    query = select(StoredPerson, PersonSession).join(PersonSession, PersonSession.person_id == StoredPerson.id)
    found = session.execute(query.where(PersonSession.hash == hashed, *lives)).first()
    return None if found is None else (found[0], found[1])


def see(session: Session, session_id: str, now: datetime) -> None:
    """Record that a session was used."""
    used = update(PersonSession).where(PersonSession.id == session_id, PersonSession.seen_at < now)
    session.execute(used.values(seen_at=now))


def sessions(session: Session, *, seen_after: datetime, now: datetime) -> dict[str, tuple[int, datetime]]:
    """Return for each person who is signed in the number of sessions, and when one was used last."""
    query = (
        select(PersonSession.person_id, func.count(), func.max(PersonSession.seen_at, type_=PersonSession.seen_at.type))
        .where(PersonSession.seen_at > seen_after, PersonSession.expires_at > now)
        .group_by(PersonSession.person_id)
    )
    return {person_id: (count, last) for person_id, count, last in session.execute(query)}


def end_session(session: Session, hashed: str) -> bool:
    """Delete the session with this hash, and the device that was allowed in it; return False if there is none."""
    push.remove_of_session(session, hashed)
    return _count(session.execute(delete(PersonSession).where(PersonSession.hash == hashed))) == 1


def end_sessions(session: Session, person_id: str) -> int:
    """Delete all sessions of a person, and their devices for notifications; return how many sessions there were."""
    push.remove_of_person(session, person_id)
    return _count(session.execute(delete(PersonSession).where(PersonSession.person_id == person_id)))


def purge(session: Session, *, seen_before: datetime, now: datetime, links_before: datetime) -> None:
    """Delete sessions that have ended, and links that expired before `links_before`."""
    ended = (PersonSession.seen_at <= seen_before) | (PersonSession.expires_at <= now)
    session.execute(delete(PersonSession).where(ended))
    session.execute(delete(SignInLink).where(SignInLink.expires_at <= links_before))


def _count(result: Any) -> int:
    assert isinstance(result, CursorResult)
    return result.rowcount
