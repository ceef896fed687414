"""Strings in Meta's objects: their kinds and their lengths.

Meta states lengths in characters and does not say how it counts an emoji. A text that is too long by every way of
counting is refused; one that is too long only in UTF-16 units gets a warning.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from marshmallow import ValidationError, fields

from app.schemas.error_texts import NULL, REQUIRED, one_of
from app.schemas.send.base import MetaDecides, MetaObject

SPOKEN: dict[str, str | list[Any] | dict[Any, Any]] = {"required": REQUIRED, "null": NULL}
_SKIN_TONES = range(0x1F3FB, 0x1F400)
_FLAG_LETTERS = range(0x1F1E6, 0x1F200)
LONGEST_EMOJI = 40
"""Most code points that are shown as one emoji. A text longer than this times its limit is refused uncounted."""

_JOINER = "\u200d"


def fewest(text: str) -> int:
    """Return the lowest possible length of a text: everything that is shown as one character counts one."""
    count = flag_letters = 0
    before = ""
    for char in text:
        joined = before == _JOINER or ord(char) in _SKIN_TONES or unicodedata.category(char) in ("Mn", "Me", "Cf")
        count += not joined
        flag_letters += ord(char) in _FLAG_LETTERS
        before = char
    return count - flag_letters // 2


def widest(text: str) -> int:
    """Return the length of a text in UTF-16 units: an emoji counts two or more."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


class Text(fields.String):
    """A string of at least one character. Over `most` it is refused, over `doubtful` Meta may refuse it."""

    default_error_messages = {**SPOKEN, "invalid": "must be a string"}

    def __init__(
        self, most: int | None = None, *, doubtful: int | None = None, description: str | None = None, **options: Any
    ) -> None:
        said = {"minLength": 1, "maxLength": most, "description": description}
        super().__init__(metadata={name: value for name, value in said.items() if value is not None}, **options)
        self.most = most
        self.doubtful = doubtful

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        text: str = super()._deserialize(value, attr, data, **kwargs)
        if not text:
            raise ValidationError("must not be empty")
        if self.most and len(text) > self.most and (len(text) > self.most * LONGEST_EMOJI or fewest(text) > self.most):
            raise ValidationError(f"must be ≤ {self.most} characters, and is {len(text)}; shorten it")
        return text

    def advice_on(self, text: str) -> Iterable[str]:
        """Warn of a text that Meta may refuse: a blank one, or one that is too long by some ways of counting only."""
        if not text.strip():
            yield "is blank, which Meta may refuse"
        limit = self.doubtful or self.most
        if limit and widest(text) > limit:
            yield f"may be over Meta's limit of {limit} characters"


class Emoji(fields.String):
    """An emoji, or the empty string, which removes a reaction."""

    default_error_messages = {**SPOKEN, "invalid": "must be a string"}

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        text: str = super()._deserialize(value, attr, data, **kwargs)
        if text.isascii() and text:
            raise ValidationError('must be one emoji, or "" to take the reaction away')
        return text

    def advice_on(self, text: str) -> Iterable[str]:
        """Warn of more than one emoji."""
        if fewest(text) > 1:
            yield "looks like more than one emoji, which Meta may refuse"


class Link(Text):
    """An http(s) URL that Meta fetches or the customer opens."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        url = super()._deserialize(value, attr, data, **kwargs)
        try:
            parts = urlsplit(url)
        except ValueError:
            parts = urlsplit("")
        if parts.scheme not in ("http", "https") or not parts.hostname or any(char.isspace() for char in url):
            raise ValidationError("must be a whole URL that begins with https:// (or http://)")
        return url


class Id(Text):
    """An id of Meta's: a string, or a number, which is loaded as a string."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        written = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
        return super()._deserialize(written, attr, data, **kwargs)


class Word(fields.String):
    """One of a few fixed words. `any_case` ignores upper and lower case, as Meta's samples vary."""

    default_error_messages = {**SPOKEN, "invalid": "must be a string"}

    def __init__(self, *words: str, any_case: bool = False, **options: Any) -> None:
        super().__init__(metadata={"enum": list(words)}, **options)
        self.words = words
        self.any_case = any_case

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        word: str = super()._deserialize(value, attr, data, **kwargs)
        if (word.lower() if self.any_case else word) not in self.words:
            raise ValidationError(MetaDecides(one_of(self.words, word)))
        return word


def by_type(*kinds: type[MetaObject]) -> dict[str, type[MetaObject]]:
    """Return the schemas by the single word that the field `type` of each allows, for a `Variant`."""
    found: dict[str, type[MetaObject]] = {}
    for kind in kinds:
        declared: Any = kind._declared_fields["type"]
        (word,) = declared.words
        found[word] = kind
    return found
