"""Query strings: each route declares its parameters, and any other parameter is refused.

Every value is one string, which the field converts. An unescaped plus arrives as a space, so a space before digits or
in a time is read as a plus.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from marshmallow import ValidationError, fields, missing

from app.domain.known_names import UnknownName, check, plain
from app.domain.person_names import may_name_somebody
from app.domain.search_terms import parse_terms
from app.schemas.error_texts import TIME, one_of
from app.schemas.strict import Strict

LONGEST_TEXT = 1000
MAX_WORDS, MIN_PREFIX_LENGTH = 20, 3
_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)


class Query(Strict):
    """The parameters of a route. This base class has none."""

    what = "parameter"

    def read(self, given: Iterable[tuple[str, list[str]]]) -> dict[str, Any]:
        """Return the loaded values by name; a parameter that was not given is absent or has its default.

        Raises `ValidationError` with all problems by name. A parameter that is given twice or is empty is one, too.
        """
        problems: dict[str, list[str]] = {}
        values: dict[str, str] = {}
        for name, texts in given:
            if len(texts) > 1 and name in self.fields:
                problems[name] = ["is given more than once; give it once"]
            elif not texts[0] and name in self.fields and not isinstance(self.fields[name], Cursor):
                problems[name] = ["is empty; leave it out, or give a value"]
            elif texts[0] or name not in self.fields:
                values[name] = texts[0]
        try:
            loaded: dict[str, Any] = self.load(values)
        except ValidationError as error:
            assert isinstance(error.messages, dict)
            raise ValidationError(error.messages | problems) from None
        if problems:
            raise ValidationError(dict(problems))
        return loaded


class Plain(fields.String):
    """A text of one line that every database can store."""

    def __init__(self, *, metadata: dict[str, Any] | None = None) -> None:
        super().__init__(metadata={"minLength": 1, "maxLength": LONGEST_TEXT, **(metadata or {})})

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        text = str(value)
        if "\x00" in text or not text.isprintable() or len(text) > LONGEST_TEXT:
            raise ValidationError(f"must be plain text of at most {LONGEST_TEXT} characters")
        return text


class Count(fields.Integer):
    """A whole number from `low` to `high`."""

    def __init__(self, low: int, high: int, *, usual: int | None = None, description: str = "") -> None:
        said = {"minimum": low, "maximum": high} | ({"description": description} if description else {})
        super().__init__(metadata=said, load_default=missing if usual is None else usual)
        self.low, self.high = low, high

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        if not re.fullmatch(r"[0-9]{1,18}", str(value)) or not self.low <= int(value) <= self.high:
            raise ValidationError(f"must be a whole number from {self.low} to {self.high}")
        return int(value)


class Choice(fields.String):
    """One of a few words."""

    def __init__(self, words: Collection[str], **metadata: Any) -> None:
        super().__init__(metadata={"enum": list(words), **metadata})
        self.words = words

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        if value not in self.words:
            raise ValidationError(one_of(self.words, value))
        return value


class Known(Plain):
    """A name of Meta's. An unknown one is refused as misspelt, unless marked as unknown: see `domain.known_names`."""

    def __init__(self, known: Collection[str], description: str) -> None:
        super().__init__(metadata={"description": f"{description} `unknown:NAME` stands for what Meta may add."})
        self.known = known

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        name: str = super()._deserialize(value, attr, data, **kwargs)
        try:
            check(name, self.known)
        except UnknownName as wrong:
            raise ValidationError(str(wrong)) from None
        return plain(name)


class Switch(fields.String):
    """`true` or `false`, or 1 or 0; loads a boolean."""

    def __init__(self, description: str) -> None:
        super().__init__(metadata={"enum": ["true", "false", "1", "0"], "description": description})

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        if value not in ("true", "false", "1", "0"):
            raise ValidationError("must be true or false")
        return value in ("true", "1")


class Time(fields.String):
    """An ISO 8601 time with an offset; loads an aware UTC time."""

    def __init__(self, description: str) -> None:
        super().__init__(metadata={"format": "date-time", "description": description})

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        text = str(value)
        if "T" in text and text.count(" ") == 1:
            text = text.replace(" ", "+")
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            raise ValidationError(TIME) from None
        if found.tzinfo is None:
            raise ValidationError(TIME)
        return _within_reach(found)


def _within_reach(moment: datetime) -> datetime:
    """Return the time in UTC, clamped to the range of times that a database can hold."""
    try:
        return min(max(moment.astimezone(UTC), _FIRST), _LAST)
    except OverflowError:  # near the years 1 and 9999 the conversion to UTC leaves Python's range
        return _FIRST if moment.year < _FIRST.year else _LAST


class NumberId(fields.String):
    """Meta's id of a number of ours."""

    def __init__(self, description: str = "Meta's id of one of our numbers.") -> None:
        super().__init__(metadata={"pattern": "^[0-9]{5,20}$", "description": description})

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        if not re.fullmatch(r"[0-9]{5,20}", str(value)):
            raise ValidationError("must be Meta's id of the number, digits only: see /api/numbers")
        return value


class Person(Plain):
    """Our id of a contact, a phone number in any notation, or Meta's user id; loads it in the stored form."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        text = with_plus(super()._deserialize(value, attr, data, **kwargs))
        if not may_name_somebody(text):
            raise ValidationError("must be a contact's id, a phone number with its country code, or Meta's user id")
        return text


class Words(Plain):
    """Words to search for; loads a list of `SearchTerm`."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        words = parse_terms(super()._deserialize(value, attr, data, **kwargs))
        if not words:
            raise ValidationError("must hold a word to look for")
        if len(words) > MAX_WORDS:
            raise ValidationError(f"must be at most {MAX_WORDS} words")
        if any(word.is_prefix and len(word.word) < MIN_PREFIX_LENGTH for word in words):
            raise ValidationError(f"must have at least {MIN_PREFIX_LENGTH} letters before a *")
        return words


class Cursor(fields.String):
    """The `next_cursor` of the previous page; empty for the first page. Loads the text that is encoded in it."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        try:
            place = base64.urlsafe_b64decode(str(value).encode() + b"==").decode()
        except ValueError:
            place = ""
        if not place.isprintable() or not place:  # excludes NUL, which PostgreSQL does not accept in a text
            raise ValidationError(BAD_CURSOR)
        return place


BAD_CURSOR = "is not one of ours; give back a `next_cursor` as it came"


def with_plus(text: str) -> str:
    """Replace the space before a number, which was an unescaped plus, by a plus."""
    return f"+{text.lstrip()}" if re.match(r" +[0-9]", text) else text
