"""One change of a notification, and how its elements are read independently of each other."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.domain.addresses import bare_number
from app.domain.notifications import ChangeFact, Fact, Json, Person, Unreadable
from app.schemas.lenient import as_moment, as_object, as_text


class CannotRead(ValueError):
    """An item lacks a value that is necessary to read it. The reason is a constant sentence without personal data."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change of Meta's: the news about one webhook field of one business account.

    `value` is an object if the field is about conversations. `time` is the entry's time as received. `now` replaces
    times that Meta left out.
    """

    field: str
    value: Any
    waba_id: str | None
    time: Any
    now: datetime

    @property
    def phone_number_id(self) -> str | None:
        """Return the `phone_number_id` that this change is about; None for news about an account."""
        return as_text(self._number.get("phone_number_id")) or None

    @property
    def account(self) -> str | None:
        """Return the id of the business account concerned. Partners of Meta get changes about accounts of others."""
        return as_text(as_object(as_object(self.value).get("waba_info")).get("waba_id")) or self.waba_id

    @property
    def display_phone_number(self) -> str | None:
        """Return the digits of our number, or None."""
        return bare_number(as_text(self._number.get("display_phone_number")) or "") or None

    @property
    def _number(self) -> Json:
        value = as_object(self.value)
        inside = as_object(value.get("standby")).get("metadata")
        return as_object(value.get("metadata") or inside or value.get("recipient"))

    def key(self, part: Any) -> str:
        """Return a hash that identifies this news, which has no id. It is the same when Meta sends the news again."""
        news = json.dumps([self.waba_id, self.field, part, self.time], sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(news.encode()).hexdigest()

    def other(self, event: str, part: Any, person: Person | None = None, timestamp: Any = None) -> ChangeFact:
        """Return a fact with Meta's JSON unchanged, for news that the gateway does not normalise."""
        value = part if isinstance(part, dict) else {"value": part}
        return ChangeFact(event, value, self.key(part), person, as_moment(timestamp) or as_moment(self.time))

    def cut(self, array: str, element: Any) -> Json:
        """Return the change's value with `element` as the only one of `array`, without other lists but `contacts`."""
        kept = {key: value for key, value in self.value.items() if key == "contacts" or not isinstance(value, list)}
        return {**kept, array: [element]}


def each(elements: Iterable[Any], read: Callable[[Any], Fact]) -> Iterator[Fact]:
    """Read each element. One that cannot be read becomes `Unreadable` and does not affect the others."""
    for element in elements:
        yield attempt(element, read)


def attempt(element: Any, read: Callable[[Any], Fact]) -> Fact:
    """Read one element; return `Unreadable` if that fails in any way."""
    try:
        return read(element)
    except CannotRead as err:
        return Unreadable(str(err), element)
    except Exception as err:  # most likely our bug; the error's text may quote the customer, its class name cannot
        return Unreadable(f"Reading it failed with {type(err).__name__}.", element)
