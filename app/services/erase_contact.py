"""Forgetting a person: everything that says who they are, or what was said, goes; that something was, stays.

Rows stay, so that the books balance: a message remains with its time, number, type and status, an event with its type
and place, a notification with its counts.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy.orm import Session

from app.database import Database
from app.domain.messages import ContactRef, shown
from app.models import ContactAlias
from app.services import contact_news
from app.services.read_contacts import find
from app.store import contact_list, contacts, erasing, events

PORTION = 200
"""How many messages or events a transaction, which holds the write lock."""


class EraseContact:
    """Erases contacts. Killed half way, it may be called again: the contact itself goes last."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    def __call__(self, contact_id: str) -> None:
        """Erase a contact with everything we hold of it. Raises `NotFound`."""
        with self._database.read() as session:
            find(session, contact_id, None)
            names = contact_list.aliases(session, [contact_id])
            mentions = erasing.notifications_that_hold(session, _needles(names))
            mentions |= erasing.notifications_of(session, contact_id)
        self._in_portions(sorted(mentions))
        self._until_none_is_left(lambda session: erasing.erase_messages(session, contact_id, PORTION, self._now()))
        self._until_none_is_left(lambda session: erasing.erase_events(session, contact_id, PORTION))
        with self._database.write() as session:
            events.take_turn(session)
            erasing.forget_recipient(session, [_address(each) for each in names])
            contacts.remove(session, contact_id)
            nobody = shown(ContactRef(contact_id))
            data = {"contact": nobody, "previous": None, "reason": "erased", "opt_out": None, "handover": None}
            contact_news.tell(session, None, data, self._now(), None)

    def _until_none_is_left(self, erase: Callable[[Session], int]) -> None:
        count = PORTION
        while count == PORTION:
            with self._database.write() as session:
                count = erase(session)

    def _in_portions(self, mentions: list[str]) -> None:
        for start in range(0, len(mentions), PORTION):
            with self._database.write() as session:
                erasing.erase_raw(session, mentions[start : start + PORTION])


def _address(name: ContactAlias) -> str:
    return f"+{name.value}" if name.kind == "wa_id" else name.value


def _needles(names: list[ContactAlias]) -> list[bytes]:
    """How a webhook's bytes name the person. Meta writes ids as strings; a phone number may have a plus before it."""
    return [each.value.encode() if each.kind == "wa_id" else f'"{each.value}"'.encode() for each in names]
