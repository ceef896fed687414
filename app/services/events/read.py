"""Reading events for the API.

A place in the order of events names the event that is there, and not its number alone. After an older copy of the
database was put back, the same numbers stand for other events: a reader who went on by number would miss some and never
know.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.db.database import Database
from app.errors import CursorGone
from app.models import Event
from app.store import event_list, events


@dataclass(frozen=True, slots=True)
class Place:
    """After which event to go on: its number, and its id where it is known. 0 is before the first."""

    sequence: int
    event_id: str | None = None

    @classmethod
    def of(cls, event: Event) -> Place:
        """The place of an event."""
        return cls(event.sequence, event.id)

    def __str__(self) -> str:
        """As callers get it: a number, and the id without its dashes."""
        return str(self.sequence) if self.event_id is None else f"{self.sequence}-{self.event_id.replace('-', '')}"


BEGINNING = Place(0)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which events: of a type, and about these numbers and the `accounts` they belong to; None for all."""

    type: str | None = None
    numbers: tuple[str, ...] | None = None
    accounts: tuple[str, ...] = ()

    def takes(self, event: Event) -> bool:
        """Whether an event is among them."""
        if self.type is not None and event.type != self.type:
            return False
        return self.numbers is None or event.phone_number_id in self.numbers or event.waba_id in self.accounts


def list_newest(database: Database, wanted: Filter, *, limit: int, before: int | None) -> Sequence[Event]:
    """Newest first, below a number. Raises `Unavailable`."""
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
    """Ascending from a place. Raises `CursorGone` where that is no place of this database, and `Unavailable`."""
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
    """The place of the newest event. Raises `Unavailable`."""
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
        # An event that is kept no longer was passed by; one beyond the newest never was here.
        is_here = after.sequence <= events.last_sequence(session)
        start = None if is_here else events.newest_until(session, after.event_id)
    if not is_here:
        raise CursorGone(meta={"start": str(_place(start))})


def _place(event: Event | None) -> Place:
    return BEGINNING if event is None else Place.of(event)
