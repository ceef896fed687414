"""Very many messages, and all that hangs on them, written past the gateway.

What matters for lists is how often a value occurs: some are had by most messages, some by one in a hundred, some by a
handful. The same seed makes the same data.
"""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import accumulate

from app.db.database import Database
from app.models import Contact, ContactAlias, Event, Message, MessageDocument, Notification, SendAttempt
from app.store.message_search import docid_at, document_words
from benchmarks.fill import Row, Write, filling, queue_for_search

NUMBERS = ("700100200300401", "700100200300402", "700100200300403")
NUMBER_WEIGHTS = (70.0, 29.9, 0.1)
INBOUND = {"received": 70, "read": 30}
OUTBOUND = {"delivered": 60.0, "read": 32.0, "sent": 5.0, "failed": 2.0, "accepted": 0.95, "held": 0.05}
TYPES = {"text": 88.0, "image": 8.0, "audio": 2.9, "sticker": 1.0, "location": 0.1}
BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
PORTION = 20_000
VOCABULARY = 20_000


class Data:
    """One gateway's past: `messages` messages of a tenth as many contacts, over 300 days."""

    def __init__(self, messages: int, seed: int = 4) -> None:
        self.messages, self.contacts = messages, max(messages // 10, 10)
        self._chance, self._event_ids = random.Random(seed), 0
        self._step = timedelta(days=300) / messages
        self._words = [self._word(n) for n in range(VOCABULARY)]
        self._weights = list(accumulate(1 / (n + 10) for n in range(VOCABULARY)))
        self._contact_ids = [self.id_at(BEGINNING + n * self._step, n) for n in range(self.contacts)]

    def load(self, database: Database, *, findable: bool = False) -> None:
        """Fill a migrated, empty database. With `findable` the messages are in the search index at the end, too;
        else they are queued for it."""
        with filling(database) as write:
            self._load(write, findable)
        queue_for_search(database, messages=not findable)

    def id_at(self, moment: datetime, number: int) -> str:
        """An id as the gateway would have made it then."""
        milliseconds = int(moment.timestamp() * 1000)
        return str(uuid.UUID(int=milliseconds << 80 | 7 << 76 | 2 << 62 | number))

    def time_of(self, number: int) -> datetime:
        """When the message of this number was written: to the second, as Meta says it."""
        return (BEGINNING + number * self._step).replace(microsecond=0)

    def words(self, count: int) -> str:
        """Some words, common ones oftener than rare ones."""
        return " ".join(self._chance.choices(self._words, cum_weights=self._weights, k=count))

    def _word(self, number: int) -> str:
        return f"w{number:x}" if number % 3 else f"palabra{number}"

    def _load(self, write: Write, findable: bool) -> None:
        for portion in self._portions(self.contacts):
            write(Contact, ("id", "wa_id", "name", "event_count", "created_at", "updated_at"), [
                (self._contact_ids[n], self._wa_id(n), f"Name {n}", 30, self.time_of(n), self.time_of(n))
                for n in portion
            ])  # fmt: skip
            aliases = [("wa_id", self._wa_id(n), self._contact_ids[n]) for n in portion]
            write(ContactAlias, ("kind", "value", "contact_id"), aliases)
        for portion in self._portions(self.messages):
            messages = [self._message(n) for n in portion]
            write(Message, MESSAGE_COLUMNS, messages)
            write(SendAttempt, ATTEMPT_COLUMNS, [
                (row[0], 1, "accepted", row[3], row[13], row[13] + timedelta(seconds=0.2))
                for row in messages if row[1] == "outbound"
            ])  # fmt: skip
            events = [list(self._events(row)) for row in messages]
            write(Event, EVENT_COLUMNS, [event for each in events for event in each])
            write(Notification, NOTIFICATION_COLUMNS, [
                self._notification(row, len(each)) for row, each in zip(messages, events, strict=True)
            ])  # fmt: skip
            if findable:
                write(MessageDocument, ("docid", "message_id", "words"), sorted(
                    (docid_at(row[13], row[0]), row[0], document_words(row[8], row[1], row[7], row[2]))
                    for row in messages
                ))  # fmt: skip

    def _portions(self, count: int) -> Iterator[range]:
        for start in range(0, count, PORTION):
            yield range(start, min(start + PORTION, count))

    def _wa_id(self, number: int) -> str:
        return f"54911{number:08d}"

    def _message(self, number: int) -> Row:
        chance, moment = self._chance, self.time_of(number)
        direction = chance.choice(("inbound", "outbound"))
        statuses = INBOUND if direction == "inbound" else OUTBOUND
        (phone_number_id,) = chance.choices(NUMBERS, NUMBER_WEIGHTS)
        (status,) = chance.choices(list(statuses), list(statuses.values()))
        (kind,) = chance.choices(list(TYPES), list(TYPES.values()))
        body = f"{self.words(chance.randint(3, 12))} {number}"
        message_id = self.id_at(BEGINNING + number * self._step, number)
        contact = min(int(chance.expovariate(8) * self.contacts), self.contacts - 1)
        return (
            message_id, direction, phone_number_id, f"wamid.{number:032X}", self._contact_ids[contact],
            "+15550100100", f"+{self._wa_id(contact)}", kind, body, json.dumps({"body": body}), status, "live", "[]",
            moment, moment + timedelta(seconds=1), moment + timedelta(seconds=2),
        )  # fmt: skip

    def _events(self, row: Row) -> Iterator[Row]:
        data = json.dumps({"message": row[8], "id": row[0], "filler": "x" * 500})
        kind = "message.received" if row[1] == "inbound" else "message.status"
        for n in range(1 if row[1] == "inbound" else 2):
            yield (
                self._event_id(row[14]), kind, "live", row[2], row[4], n, row[0], row[0], n,
                row[13], row[14], row[14] + timedelta(milliseconds=8), data,
            )  # fmt: skip
        if self._chance.random() < 0.0005:
            yield (
                self._event_id(row[14]), "unknown", "live", row[2], None, None, None, row[0],
                5, row[13], row[14], row[14], data,
            )  # fmt: skip

    def _event_id(self, moment: datetime) -> str:
        self._event_ids += 1
        return self.id_at(moment, self._event_ids)

    def _notification(self, row: Row, items: int) -> Row:
        """One whose items all became events, so that the books balance."""
        state = "parked" if self._chance.random() < 0.0005 else "processed"
        books = json.dumps({row[2]: {"processed": items}})
        return row[0], row[14], b"x" * 500, "default", state, "r" * 32, row[14], items, books


MESSAGE_COLUMNS = (
    "id", "direction", "phone_number_id", "wamid", "contact_id", "recipient", "sender", "message_type", "message",
    "content", "status", "source", "flags", "timestamp", "received_at", "updated_at",
)  # fmt: skip
ATTEMPT_COLUMNS = ("message_id", "number", "state", "wamid", "started_at", "finished_at")
EVENT_COLUMNS = (
    "id", "type", "source", "phone_number_id", "contact_id", "contact_sequence", "message_id", "notification_id",
    "position", "timestamp", "received_at", "created_at", "data",
)  # fmt: skip
NOTIFICATION_COLUMNS = (
    "id", "received_at", "raw", "verified_by", "state", "request_id", "processed_at", "items", "books",
)  # fmt: skip
