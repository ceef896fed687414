"""What a message type's reader hands back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from app.domain.notifications import MediaRef


@dataclass(frozen=True, slots=True)
class Reading:
    """The part of a message that depends on its type."""

    message_type: str
    message: str
    content: Any
    media: MediaRef | None = None


Reader = Callable[[str, Any], Reading]
"""Takes Meta's type and the object of that name, which is an object or null. Gives the message, or raises."""


def read_as_given(message_type: str, value: Any) -> Reading:
    """A type we have no words for: its name, and Meta's JSON as it came."""
    return Reading(message_type, f"[{message_type}]", {} if value is None else value)
