"""A message as the gateway speaks of it everywhere: to the API, in events, to hooks."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

PLACEHOLDER = "media_placeholder"
"""The type of a message of imported history whose file Meta tells of later, under the same wamid."""


@dataclass(frozen=True, slots=True)
class ContactRef:
    """Who a message is with, as far as we know."""

    id: str
    wa_id: str | None = None
    user_id: str | None = None
    parent_user_id: str | None = None
    username: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """One message in either direction. `id` is ours, `message_id` is Meta's wamid (null until Meta gave one).

    `sender` and `recipient` are `+E.164`, or the business-scoped user id when Meta hides the number.
    """

    sender: str | None
    message: str
    timestamp: datetime
    message_id: str | None
    message_type: str
    id: str
    direction: str
    phone_number_id: str
    recipient: str | None
    contact: ContactRef | None
    content: Any
    status: str
    source: str
    received_at: datetime
    context: dict[str, Any] | None = None
    referral: dict[str, Any] | None = None
    group_id: str | None = None
    error: dict[str, Any] | None = None
    pricing: dict[str, Any] | None = None
    callback_data: str | None = None
    flags: list[str] = field(default_factory=list)
    channel: str = "whatsapp"
