"""Who wants no marketing: how that is said, and what counts as marketing."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from enum import StrEnum
from typing import Any

REFUSED_CODE = 131050
"""Meta's error for a person who stopped marketing messages from the business."""

_WORD_LENGTH = 200
"""A longer text is no word, and need not be looked at."""

_STOPS = {"stop": True, "resume": False, "signup": False}


class Wish(StrEnum):
    """How a wish about marketing reached us: by Meta's own switch, a refusal of Meta's, a word, or the API."""

    PREFERENCE = "preference"
    REFUSED = "refused"
    WORD = "word"
    API = "api"


def reason(opted_out: bool) -> str:
    """What `contact.updated` gives as its reason."""
    return "opted_out" if opted_out else "opted_in"


def is_stop(category: str, value: str) -> bool | None:
    """Whether a preference stops marketing; None for one that says nothing about that."""
    return _STOPS.get(value) if category == "marketing_messages" else None


def is_refusal(error: dict[str, Any] | None) -> bool:
    """Whether Meta refused a message because the person stopped marketing."""
    return error is not None and error.get("code") == REFUSED_CODE


def plain_words(words: Iterable[str]) -> frozenset[str]:
    """The words as `says` compares them."""
    return frozenset(_plain(word) for word in words)


def says(text: str, words: frozenset[str]) -> bool:
    """Whether a text is one of these `plain_words`, whatever its case, accents, spaces and signs."""
    return bool(words) and len(text) <= _WORD_LENGTH and _plain(text) in words


def _plain(text: str) -> str:
    return "".join(each for each in unicodedata.normalize("NFKD", text).casefold() if each.isalnum())
