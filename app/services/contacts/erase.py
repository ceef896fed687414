"""Erase a contact: delete everything that identifies the person, and the content of their messages.

Rows stay, so that the audit still balances: a message keeps its time, number, type and status, an event its type and
sequence, a notification its counts.
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
from app.services.audit_log import erase_details, record_act
from app.services.contacts.events import append_contact_updated
from app.services.contacts.read import find
from app.services.erasures import ErasureLedger
from app.store import audit_log, contact_list, contacts, erase, events, search_index

logger = get_logger(__name__)

BATCH_SIZE = 200
"""Messages or events per transaction; each transaction holds the write lock."""


class EraseContact:
    """Erases contacts. An interrupted call may be repeated, because the contact's own row is deleted last."""

    def __init__(
        self,
        database: Database,
        ledger: ErasureLedger,
        now: Callable[[], datetime],
        discard: Callable[[], bool] | None = None,
    ) -> None:
        """`discard` deletes contents from the vault that nothing uses any more, and returns whether there were any."""
        self._database = database
        self._discard = discard
        self._ledger = ledger
        self._now = now

    def __call__(self, contact_id: str, *, erased_at: datetime | None = None) -> None:
        """Erase a contact and everything stored about it, and record its ids in the ledger of erased people.

        `erased_at` is for a person who was erased before, and came back with an older copy of the database. Raises
        `NotFound` and `Unavailable`.
        """
        with self._database.read() as session:
            find(session, contact_id, None)
            names = contact_list.aliases(session, [contact_id])
            mentions = erase.notifications_that_hold(session, _needles(names))
            mentions |= erase.notifications_of(session, contact_id)
            reports = erase.reports_that_name(session, [each.value for each in names])
            subjects = [f"contact:{contact_id}", *erase.conversations_of(session, contact_id)]
            entries = audit_log.about(session, subjects, contact_id, [contact_id, *(each.value for each in names)])
        key = self._ledger.record([(each.kind, each.value) for each in names], erased_at or self._now())
        self._in_batches(entries, lambda session, some: erase_details(session, some, key))
        self._in_batches(sorted(mentions), erase.erase_raw)
        self._in_batches(reports, erase.erase_reports)
        self._until_none_is_left(lambda session: erase.erase_messages(session, contact_id, BATCH_SIZE, self._now()))
        self._until_none_is_left(lambda session: erase.erase_events(session, contact_id, BATCH_SIZE))
        with self._database.write() as session:
            events.take_turn(session)
            erase.erase_participant(session, [each.value for each in names])
            erase.forget_recipient(session, [_address(each) for each in names])
            contacts.remove(session, contact_id)
            nobody = shown(ContactRef(contact_id))
            data = {"contact": nobody, "previous": None, "reason": "erased", "opt_out": None, "handover": None}
            append_contact_updated(session, None, data, self._now(), None)
            record_act(session, self._now(), act="contact.erased", subject=f"contact:{contact_id}")
        while self._discard is not None and self._discard():
            pass
        self._sweep()

    def _until_none_is_left(self, erase_batch: Callable[[Session], int]) -> None:
        count = BATCH_SIZE
        while count == BATCH_SIZE:
            with self._database.write() as session:
                count = erase_batch(session)

    def _in_batches(self, ids: Sequence[Any], erase_batch: Callable[[Session, Sequence[Any]], None]) -> None:
        for start in range(0, len(ids), BATCH_SIZE):
            with self._database.write() as session:
                erase_batch(session, ids[start : start + BATCH_SIZE])

    def _sweep(self) -> None:
        """On SQLite, remove the erased content from the search index and from the write-ahead log, too."""
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
    """Return the byte strings by which webhook bodies name the person: user ids as JSON strings, phone numbers bare,
    because Meta may write a plus before these."""
    return [each.value.encode() if each.kind == "wa_id" else f'"{each.value}"'.encode() for each in names]
