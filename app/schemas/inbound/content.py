"""The content of an inbound message, as the parser of its type returns it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from app.domain.notifications import MediaRef


@dataclass(frozen=True, slots=True)
class Content:
    """The part of a message that depends on its type: our type, a text for people, the JSON content, and its file."""

    message_type: str
    message: str
    content: Any
    media: MediaRef | None = None


ContentParser = Callable[[str, Any], Content]
"""A parser of one type: takes Meta's type and the value under that key (an object, or None); returns the content, or
raises `CannotRead`."""


def keep_as_given(message_type: str, value: Any) -> Content:
    """Return the content of a type without a parser: its name as the text, and Meta's JSON unchanged."""
    return Content(message_type, f"[{message_type}]", {} if value is None else value)
