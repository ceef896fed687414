"""What changed in the inbox since a place, for streams and for polling alike.

A place is the number of the newest event and the newest time at which a conversation was touched. Events are numbered
in commit order, but of two transactions the one with the later time may commit first: so what was touched shortly
before a place is told again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from app.db.database import Database
from app.services.conversations.presence import PRESENT_FOR
from app.services.conversations.read import Counts, sum_counts
from app.store import conversation_list, conversation_news
from app.store.conversations import Numbers

OVERLAP = timedelta(seconds=3)
"""Longer than a transaction that touches a conversation lasts; so much before a place is looked at again."""

MOST_EVENTS = 20_000
"""After more events than this, everything counts as changed."""

MOST_NAMED = 50
"""Above so many changed conversations, news say that everything changed, which is shorter."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

Changed = dict[str, str]
"""Numbers (phone number ids) of the changed conversations, by conversation id."""


@dataclass(frozen=True, slots=True)
class NewsPlace:
    """The place up to which news were told."""

    sequence: int
    touched_at: datetime

    def __str__(self) -> str:
        """Return the cursor that browsers give back."""
        return f"{self.sequence}-{(self.touched_at - _EPOCH) // _MICROSECOND}"

    @classmethod
    def read(cls, text: str | None) -> NewsPlace | None:
        """Return the place of a cursor; None for one that is not ours."""
        sequence, _, touched = (text or "").partition("-")
        if not all(each.isascii() and each.isdigit() and len(each) < 17 for each in (sequence, touched)):
            return None
        return cls(int(sequence), _EPOCH + int(touched) * _MICROSECOND)


@dataclass(frozen=True, slots=True)
class Present:
    """A person who has a conversation open."""

    conversation_id: str
    phone_number_id: str
    person_id: str
    name: str
    is_typing: bool


@dataclass(frozen=True, slots=True)
class News:
    """What to tell: the conversations that changed (None: look at all), who is where, and counts for the title."""

    place: NewsPlace
    changed: Changed | None
    present: tuple[Present, ...]
    counts: dict[str, tuple[int, int]]

    def text(self, numbers: Numbers) -> str:
        """Return the news as JSON, for somebody who may see these numbers."""
        counts = self.counts_of(numbers)
        changed = self.changed
        ids = None if changed is None else [key for key, number in changed.items() if _sees(numbers, number)]
        return json.dumps(
            {
                "cursor": str(self.place),
                "conversations": None if ids is None or len(ids) > MOST_NAMED else ids,
                "presence": [
                    {
                        "conversation": each.conversation_id,
                        "person": each.person_id,
                        "name": each.name,
                        "typing": each.is_typing,
                    }
                    for each in self.present
                    if _sees(numbers, each.phone_number_id)
                ],
                "unread": counts.unread,
                "waiting": counts.waiting,
            },
            ensure_ascii=False,
            separators=(",", ":"),
        )

    def counts_of(self, numbers: Numbers) -> Counts:
        """Return the counts of these numbers together."""
        return sum_counts(self.counts, numbers)


class ReadNews:
    """Reads news. Raises `Unavailable`."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    def here(self) -> NewsPlace:
        """Return the present place."""
        with self._database.read() as session:
            return self._place(session)

    def since(self, place: NewsPlace | None) -> News:
        """Return what changed since a place; without one, or after very much, everything."""
        with self._database.read() as session:
            here = self._place(session)
            changed = None if place is None else changed_since(session, place, here)
            return News(here, changed, present(session, self._now()), conversation_list.counts(session))

    def state(self) -> tuple[NewsPlace, str]:
        """Return the present place, and a mark that differs whenever anything is to be told. Cheap."""
        with self._database.read() as session:
            here = self._place(session)
            recent = conversation_news.touched(session, here.touched_at - OVERLAP)
            there = present(session, self._now())
        said = repr(([(row.id, row.touched_at) for row in recent], there))
        return here, f"{here}-{hashlib.sha256(said.encode()).hexdigest()[:12]}"

    def _place(self, session: Session) -> NewsPlace:
        touched_at = conversation_news.newest_touch(session)
        return NewsPlace(conversation_news.newest_event(session), touched_at or _EPOCH)


def changed_since(session: Session, place: NewsPlace, here: NewsPlace) -> Changed | None:
    """Return the conversations that changed between two places; None if they are too many, or if the first is of
    another database."""
    if place.sequence > here.sequence or here.sequence - place.sequence > MOST_EVENTS:
        return None
    rows: list[Any] = []
    if place.sequence < here.sequence:
        rows += conversation_news.by_events(session, place.sequence, here.sequence)
    recent: Sequence[Any] = conversation_news.touched(session, max(place.touched_at - OVERLAP, _EPOCH))
    if len(recent) == conversation_news.MOST_TOUCHED:
        return None
    return {row.id: row.phone_number_id for row in (*rows, *recent)}


def present(session: Session, now: datetime) -> tuple[Present, ...]:
    """Return who has which conversation open now."""
    return tuple(
        Present(
            row.conversation_id,
            row.phone_number_id,
            row.person_id,
            row.name,
            row.typing_until is not None and row.typing_until > now,
        )
        for row in conversation_news.present(session, now - PRESENT_FOR)
    )


def _sees(numbers: Numbers, number: str) -> bool:
    return numbers is None or number in numbers
