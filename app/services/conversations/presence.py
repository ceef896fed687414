"""Note who has a conversation open and types, so that two people do not answer one customer unknown to each other."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from app.db.database import Database
from app.domain.people import Person
from app.services.conversations.read import find
from app.store import conversation_news

PRESENT_FOR = timedelta(seconds=40)
"""How long a person counts as looking at a conversation after the page last said so."""

TYPING_FOR = timedelta(seconds=6)
"""How long a person counts as typing; pages say it again every three seconds."""

KEPT_FOR = timedelta(minutes=2)


class NotePresence:
    """Notes presences. They are rows, because several web processes must see them, and live for a minute or two."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    def __call__(self, conversation_id: str, person: Person, *, typing: bool) -> None:
        """Note that a person looks at a conversation, and whether they type. Raises `NotFound` and `Unavailable`."""
        numbers = None if person.numbers is None else tuple(person.numbers)
        with self._database.read() as session:
            its_id = find(session, conversation_id, numbers).id
        now = self._now()
        row = {
            "conversation_id": its_id,
            "person_id": person.id,
            "name": person.name,
            "seen_at": now,
            "typing_until": now + TYPING_FOR if typing else None,
        }
        with self._database.write() as session:
            conversation_news.note_presence(session, row, now - KEPT_FOR)

    def leave(self, conversation_id: str, person: Person) -> None:
        """Note that a person looks at a conversation no more. Raises `Unavailable`."""
        with self._database.write() as session:
            conversation_news.remove_presence(session, conversation_id, person.id)
