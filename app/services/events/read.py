"""Read events for the API.

A place in the order of events holds the id of the event, in addition to its number. After a backup of the database was
restored, the same numbers stand for other events: a client that continued by number alone would miss events unnoticed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from app.db.database import Database
from app.errors import CursorGone
from app.models import Event
from app.store import event_list, events


@dataclass(frozen=True, slots=True)
class Place:
    """The event after which to continue: its number, and its id if known. Number 0 is before the first event."""

    sequence: int
    event_id: str | None = None

    @classmethod
    def of(cls, event: Event) -> Place:
        """Return the place of an event."""
        return cls(event.sequence, event.id)

    def __str__(self) -> str:
        """Return the cursor that the API shows: `number`, or `number-id` with the id's dashes left out."""
        return str(self.sequence) if self.event_id is None else f"{self.sequence}-{self.event_id.replace('-', '')}"


BEGINNING = Place(0)


@dataclass(frozen=True, slots=True)
class Filter:
    """Selects events of a type, and about these numbers or the `accounts` (WABA ids) they belong to; None for all."""

    type: str | None = None
    numbers: tuple[str, ...] | None = None
    accounts: tuple[str, ...] = ()

    def takes(self, event: Event) -> bool:
        """Whether the filter selects an event."""
        if self.type is not None and event.type != self.type:
            return False
        return self.numbers is None or event.phone_number_id in self.numbers or event.waba_id in self.accounts


def list_newest(database: Database, wanted: Filter, *, limit: int, before: int | None) -> Sequence[Event]:
    """Return up to `limit` events, newest first, with numbers below `before`. Raises `Unavailable`."""
    with database.read() as session:
        return event_list.page(
            session,
            limit=limit,
            before=before,
            type=wanted.type,
            numbers=wanted.numbers,
            accounts=wanted.accounts,
        )


def list_after(database: Database, wanted: Filter, *, limit: int, after: Place) -> Sequence[Event]:
    """Return up to `limit` events after a place, oldest first.

    Raises `CursorGone` if the place does not belong to this database, and `Unavailable`.
    """
    with database.read() as session:
        _check(session, after)
        return event_list.page(
            session,
            limit=limit,
            after=after.sequence,
            type=wanted.type,
            numbers=wanted.numbers,
            accounts=wanted.accounts,
        )


def newest_place(database: Database) -> Place:
    """Return the place of the newest event. Raises `Unavailable`."""
    with database.read() as session:
        return _place(events.newest(session))


def _check(session: Session, after: Place) -> None:
    if after.sequence == 0:
        return
    found = events.at(session, after.sequence)
    if after.event_id is None:
        is_here = found is not None or after.sequence <= events.last_sequence(session)
        start = None if is_here else events.newest(session)
    elif found is not None:
        is_here = found.id == after.event_id
        start = None if is_here else events.newest_until(session, after.event_id)
    else:
        # A number up to the newest belongs to an event that was purged; a higher number never existed here.
        is_here = after.sequence <= events.last_sequence(session)
        start = None if is_here else events.newest_until(session, after.event_id)
    if not is_here:
        raise CursorGone(meta={"start": str(_place(start))})


def _place(event: Event | None) -> Place:
    return BEGINNING if event is None else Place.of(event)


@dataclass(frozen=True, slots=True)
class Subject:
    """What an event is about: its type, its message if it has one, and when it was received."""

    type: str
    message_id: str | None
    received_at: datetime


def find_subjects(database: Database, event_ids: Sequence[str]) -> dict[str, Subject]:
    """Return what these events are about, by their ids. Raises `Unavailable`."""
    with database.read() as session:
        return {
            event_id: Subject(type, message_id, received_at)
            for event_id, type, message_id, received_at in event_list.subjects(session, event_ids)
        }
