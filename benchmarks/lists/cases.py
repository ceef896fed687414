"""What is asked: every list, with every filter, from its beginning and from far inside."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from benchmarks.lists.data import BEGINNING, NUMBERS, Data

Query = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of request; `query` makes another one of it each time."""

    name: str
    path: str
    query: Callable[[], Query]


def all_cases(data: Data) -> Iterator[Case]:
    """Every case, those of messages first."""
    chance = random.Random(9)
    number = lambda: chance.randrange(data.messages)  # noqa: E731

    def deep() -> Query:
        place = number()
        return {"cursor": encoded(f"{data.time_of(place).isoformat()}|{data.id_at(BEGINNING, place)}")}

    def contact() -> Query:
        return {"contact": f"+54911{min(int(chance.expovariate(8) * data.contacts), data.contacts - 1):08d}"}

    for name, fixed in MESSAGES.items():
        yield Case(f"messages {name}", "/api/messages", lambda fixed=fixed: fixed)  # type: ignore[misc]
        yield Case(f"messages {name}, deep", "/api/messages", lambda fixed=fixed: fixed | deep())  # type: ignore[misc]
    yield Case("messages contact", "/api/messages", contact)
    yield Case("messages busiest contact, deep", "/api/messages", lambda: {"contact": "+5491100000000"} | deep())
    yield Case("messages message_id", "/api/messages", lambda: {"message_id": f"wamid.{number():032X}"})
    yield Case("messages since, until", "/api/messages", lambda: between(data, number()))
    yield Case("messages limit=500", "/api/messages", lambda: {"limit": 500} | deep())
    for name, words in WORDS.items():
        yield Case(f"q {name}", "/api/messages", lambda words=words: {"q": words})  # type: ignore[misc]
    yield Case("q one message's own word", "/api/messages", lambda: {"q": str(number())})
    yield Case("q three of all words", "/api/messages", lambda: {"q": data.words(3)})
    yield Case("q common, its tenth page", "/api/messages", lambda: {"q": "palabra0", "pages": 10})
    yield Case("q common, since, until", "/api/messages", lambda: {"q": "palabra0"} | between(data, number()))
    yield Case("q common, contact", "/api/messages", lambda: {"q": "palabra0"} | contact())
    for name, narrowed in NARROWED.items():
        yield Case(f"q {name}", "/api/messages", lambda narrowed=narrowed: narrowed)  # type: ignore[misc]
    place = lambda: {"cursor": encoded(str(number()))}  # noqa: E731
    for name, fixed in EVENTS.items():
        yield Case(f"events {name}", "/api/events", lambda fixed=fixed: fixed)  # type: ignore[misc]
        yield Case(f"events {name}, deep", "/api/events", lambda fixed=fixed: fixed | place())  # type: ignore[misc]
    yield Case("events after", "/api/events", lambda: {"after": number()})
    for name, fixed in NOTIFICATIONS.items():
        yield Case(f"notifications {name}", "/api/notifications", lambda fixed=fixed: fixed)  # type: ignore[misc]
    yield Case("notifications since, until", "/api/notifications", lambda: between(data, number()))
    yield Case("stats", "/api/stats", dict)
    yield Case("stats of all time", "/api/stats", lambda: {"since": BEGINNING.isoformat()})
    yield Case("contacts", "/api/contacts", dict)
    yield Case("contacts, tenth page", "/api/contacts", lambda: {"pages": 10})


MESSAGES: dict[str, Query] = {
    "all": {},
    "direction": {"direction": "inbound"},
    "number of most": {"phone_number_id": NUMBERS[0]},
    "number of few": {"phone_number_id": NUMBERS[2]},
    "status of most": {"status": "delivered"},
    "status of 1 %": {"status": "failed"},
    "status of few": {"status": "held"},
    "status nobody has": {"status": "queued"},
    "status that contradicts the direction": {"status": "received", "direction": "outbound"},
    "type of most": {"type": "text"},
    "type of few": {"type": "location"},
    "type and status": {"type": "sticker", "status": "failed"},
    "number of few and status of most": {"phone_number_id": NUMBERS[2], "status": "delivered"},
    "number of few and type of few": {"phone_number_id": NUMBERS[2], "type": "location"},
}
WORDS = {
    "common": "palabra0",
    "common two": "palabra0 w1",
    "beginning": "palabra123*",
    "beginning in half of all messages": "palabra1*",
    "nobody's": "nobodys palabra0",
}
NARROWED: dict[str, Query] = {
    "common, number of few": {"q": "palabra0", "phone_number_id": NUMBERS[2]},
    "common, type of few": {"q": "palabra0", "type": "location"},
    "common, direction": {"q": "palabra0", "direction": "inbound"},
    "common, status of most": {"q": "palabra0", "status": "delivered"},
    "common, status of 1 %": {"q": "palabra0", "status": "failed"},
    "common, status of few": {"q": "palabra0", "status": "held"},
    "common, status nobody has": {"q": "palabra0", "status": "queued"},
}
EVENTS: dict[str, Query] = {
    "all": {},
    "type of most": {"type": "message.status"},
    "type of few": {"type": "unknown"},
    "type nobody has": {"type": "call"},
}
NOTIFICATIONS: dict[str, Query] = {
    "all": {}, "processed": {"state": "processed"}, "parked": {"state": "parked"}, "pending": {"state": "pending"},
}  # fmt: skip


def between(data: Data, number: int) -> Query:
    """Two times around a message, with some hundred messages between."""
    since, until = data.time_of(number), data.time_of(number + 300)
    return {"since": since.isoformat(), "until": until.isoformat()}


def encoded(place: str) -> str:
    """A cursor."""
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")
