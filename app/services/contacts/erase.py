"""Forgetting a person: everything that says who they are, or what was said, goes; that something was, stays.

Rows stay, so that the books balance: a message remains with its time, number, type and status, an event with its type
and place, a notification with its counts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.db.database import Database
from app.domain.messages import ContactRef, shown
from app.logs import get_logger
from app.models import ContactAlias
from app.services.contacts import events as contact_news
from app.services.contacts.read import find
from app.store import contact_list, contacts
from app.store import erase as erasing
from app.store import events, search_index

logger = get_logger(__name__)

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
            reports = erasing.reports_that_name(session, [each.value for each in names])
        self._in_portions(sorted(mentions), erasing.erase_raw)
        self._in_portions(reports, erasing.erase_reports)
        self._until_none_is_left(lambda session: erasing.erase_messages(session, contact_id, PORTION, self._now()))
        self._until_none_is_left(lambda session: erasing.erase_events(session, contact_id, PORTION))
        with self._database.write() as session:
            events.take_turn(session)
            erasing.erase_participant(session, [each.value for each in names])
            erasing.forget_recipient(session, [_address(each) for each in names])
            contacts.remove(session, contact_id)
            nobody = shown(ContactRef(contact_id))
            data = {"contact": nobody, "previous": None, "reason": "erased", "opt_out": None, "handover": None}
            contact_news.tell(session, None, data, self._now(), None)
        self._sweep()

    def _until_none_is_left(self, erase: Callable[[Session], int]) -> None:
        count = PORTION
        while count == PORTION:
            with self._database.write() as session:
                count = erase(session)

    def _in_portions(self, ids: Sequence[Any], erase: Callable[[Session, Sequence[Any]], None]) -> None:
        for start in range(0, len(ids), PORTION):
            with self._database.write() as session:
                erase(session, ids[start : start + PORTION])

    def _sweep(self) -> None:
        """On SQLite, take what was erased also out of the index of words, and out of the files."""
        more = self._database.is_sqlite
        is_first = True
        while more:
            with self._database.write() as session:
                more = search_index.merge(session, is_first=is_first)
            is_first = False
        if not self._database.empty_wal():
            logger.warning("the write-ahead log could not be emptied, and holds what was erased until then")


def _address(name: ContactAlias) -> str:
    return f"+{name.value}" if name.kind == "wa_id" else name.value


def _needles(names: list[ContactAlias]) -> list[bytes]:
    """How a webhook's bytes name the person. Meta writes ids as strings; a phone number may have a plus before it."""
    return [each.value.encode() if each.kind == "wa_id" else f'"{each.value}"'.encode() for each in names]
