"""Consent to marketing messages: the ways in which Meta and customers express it."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from enum import StrEnum
from typing import Any

REFUSED_CODE = 131050
"""Meta's error code for a recipient who stopped marketing messages from the business (Meta: error-codes)."""

_MAX_WORD_LENGTH = 200
"""Longer texts are never an opt-out word, and are not normalised."""

_PREFERENCES = {"stop": True, "resume": False, "signup": False}


class ConsentSource(StrEnum):
    """Where consent came from: WhatsApp's own setting (webhook `user_preferences`), an error of Meta's that says that
    the customer opted out, a word in a customer's message, or our API."""

    PREFERENCE = "preference"
    REFUSED = "refused"
    WORD = "word"
    API = "api"


def consent_reason(opted_out: bool) -> str:
    """Return the `reason` of the `contact.updated` event."""
    return "opted_out" if opted_out else "opted_in"


def is_stop(category: str, value: str) -> bool | None:
    """Return whether a preference stops marketing (True) or resumes it (False); None for any other preference."""
    return _PREFERENCES.get(value) if category == "marketing_messages" else None


def is_refusal(error: dict[str, Any] | None) -> bool:
    """Return whether an error of Meta's says that the recipient opted out of marketing messages."""
    return error is not None and error.get("code") == REFUSED_CODE


def normalise_words(words: Iterable[str]) -> frozenset[str]:
    """Return the words in the form that `is_opt_out_word` compares."""
    return frozenset(_normalise(word) for word in words)


def is_opt_out_word(text: str, words: frozenset[str]) -> bool:
    """Return whether a text is one of these normalised words, regardless of case, accents, spaces and punctuation."""
    return bool(words) and len(text) <= _MAX_WORD_LENGTH and _normalise(text) in words


def _normalise(text: str) -> str:
    return "".join(each for each in unicodedata.normalize("NFKD", text).casefold() if each.isalnum())
