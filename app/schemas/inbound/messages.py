"""Parser of one element of `messages[]` or `message_echoes[]`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.domain.notifications import Fact
from app.schemas.inbound.envelope import Arrival, Surroundings, receive
from app.schemas.inbound.revisions import parse_edit, parse_revoke
from app.schemas.inbound.system import parse_system

NO_MESSAGES: dict[str, Callable[[Arrival], Fact]] = {
    "edit": parse_edit,
    "revoke": parse_revoke,
    "system": parse_system,
}
"""Parsers of types that Meta sends like messages but that concern another message or a person."""


def parse_message(value: Any, around: Surroundings) -> Fact:
    """Parse one element into a fact. Raises `CannotRead`."""
    arrival = receive(value, around)
    reader = NO_MESSAGES.get(arrival.message_type, Arrival.message)
    return reader(arrival)
