"""One change of a notification, and how its elements are read apart from each other."""

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
    """An item lacks what no reading can do without. The reason is a constant sentence, so it may be shown anywhere."""


@dataclass(frozen=True, slots=True)
class Change:
    """What Meta says about one field of one account.

    `value` is an object wherever the field is about conversations. `time` is the entry's, as it came; `now` stands in
    for times left out.
    """

    field: str
    value: Any
    waba_id: str | None
    time: Any
    now: datetime

    @property
    def phone_number_id(self) -> str | None:
        """The number of ours that this is about; account news name none."""
        return as_text(self._number.get("phone_number_id")) or None

    @property
    def account(self) -> str | None:
        """The business account that this is about: a partner is told of others than its own."""
        return as_text(as_object(as_object(self.value).get("waba_info")).get("waba_id")) or self.waba_id

    @property
    def display_phone_number(self) -> str | None:
        """That number's digits."""
        return bare_number(as_text(self._number.get("display_phone_number")) or "") or None

    @property
    def _number(self) -> Json:
        value = as_object(self.value)
        inside = as_object(value.get("standby")).get("metadata")
        return as_object(value.get("metadata") or inside or value.get("recipient"))

    def key(self, part: Any) -> str:
        """The same for the same news, whenever and in whatever batch it comes again (Meta gives it no id)."""
        news = json.dumps([self.waba_id, self.field, part, self.time], sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(news.encode()).hexdigest()

    def other(self, event: str, part: Any, person: Person | None = None, timestamp: Any = None) -> ChangeFact:
        """Pass on as it came what has no shape of ours."""
        value = part if isinstance(part, dict) else {"value": part}
        return ChangeFact(event, value, self.key(part), person, as_moment(timestamp) or as_moment(self.time))

    def cut(self, array: str, element: Any) -> Json:
        """Meta's JSON for one element of one array: the value, with that element alone, and the contacts beside it."""
        kept = {key: value for key, value in self.value.items() if key == "contacts" or not isinstance(value, list)}
        return {**kept, array: [element]}


def each(elements: Iterable[Any], read: Callable[[Any], Fact]) -> Iterator[Fact]:
    """Read element by element. One that breaks comes out as `Unreadable`; its neighbours are none the worse."""
    for element in elements:
        yield attempt(element, read)


def attempt(element: Any, read: Callable[[Any], Fact]) -> Fact:
    """Read one element, whatever it is."""
    try:
        return read(element)
    except CannotRead as err:
        return Unreadable(str(err), element)
    except Exception as err:  # our mistake, most likely; the text of the error may quote the customer, its name cannot
        return Unreadable(f"Reading it failed with {type(err).__name__}.", element)
