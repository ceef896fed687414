"""The field `history`: old messages of a number that was moved from the WhatsApp Business app."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from app.domain.addresses import bare_number
from app.domain.notifications import Fact, Json, Source
from app.schemas.change import CannotRead, Change, attempt, each
from app.schemas.changes.errors import parse_errors
from app.schemas.inbound.envelope import Surroundings
from app.schemas.inbound.messages import parse_message
from app.schemas.lenient import as_list, as_object, as_text
from app.schemas.people import Contacts

_INBOUND = {"READ": "read", "PLAYED": "read"}
_OUTBOUND = {
    "PENDING": "accepted",
    "SENT": "sent",
    "DELIVERED": "delivered",
    "READ": "read",
    "PLAYED": "played",
    "ERROR": "failed",
}


def parse_history(change: Change) -> Iterator[Fact]:
    """Read old messages of all threads, then the files of placeholders (Meta: webhooks/reference/history).

    A chunk without threads reports progress, or that the owner declined to share. It becomes an event of the account.
    """
    reader = _HistoryReader(change)
    for chunk in as_list(change.value.get("history")):
        threads = as_list(as_object(chunk).get("threads"))
        for thread in threads:
            yield from reader.read_thread(thread)
        if not threads or as_object(chunk).get("errors"):
            yield attempt(chunk, lambda value: change.other("account.history", value))
    yield from each(as_list(change.value.get("messages")), reader.read)
    yield from parse_errors(change)


class _HistoryReader:
    """Reads messages of history, and finds the direction of each, which Meta does not give."""

    def __init__(self, change: Change) -> None:
        self.now = change.now
        self.business = change.display_phone_number
        self.contacts = Contacts(change.value.get("contacts"), one_person=False)

    def read_thread(self, thread: Any) -> Iterator[Fact]:
        """Read the messages of a thread. The thread's id is the customer's phone number or user id."""
        if not isinstance(thread, dict):
            return each([thread], _refuse_thread)
        customer = as_text(thread.get("id"))
        return each(as_list(thread.get("messages")), lambda message: self.read(message, customer))

    def read(self, message: Any, customer: str | None = None) -> Fact:
        """Read one message; `customer` is the id of its thread."""
        if not isinstance(message, dict):
            raise CannotRead("The message is not an object.")
        status = as_text(as_object(message.get("history_context")).get("status")) or ""
        if self._is_ours(message):
            direction, status, missing = "outbound", _OUTBOUND.get(status.upper(), "sent"), _without(message, "to")
        else:
            direction, status, missing = (
                "inbound",
                _INBOUND.get(status.upper(), "received"),
                _without(message, "from"),
            )
        if missing and customer:
            message = {**message, missing: customer}
        return parse_message(message, Surroundings(self.contacts, self.now, Source.HISTORY, direction, status))

    def _is_ours(self, message: Json) -> bool:
        """Return whether the business sent a message: only such messages name a recipient."""
        sender, recipient = (bare_number(as_text(message.get(name)) or "") for name in ("from", "to"))
        if self.business and sender == self.business:
            return True
        return bool(message.get("to_user_id") or recipient and recipient != self.business)


def _without(message: Json, side: str) -> str | None:
    """Return `side` (`from` or `to`) if the message has no id of a person for it; else None."""
    return None if message.get(side) or message.get(f"{side}_user_id") else side


def _refuse_thread(value: Any) -> Fact:
    raise CannotRead("The thread is not an object.")
