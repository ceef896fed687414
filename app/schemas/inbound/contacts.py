"""Messages of type `contacts`: shared contact cards."""

from __future__ import annotations

from typing import Any

from app.schemas.inbound.content import Content
from app.schemas.lenient import as_list, as_object, as_text


def parse_contacts(message_type: str, value: Any) -> Content:
    """Return the cards; the text is each name, or else phone (Meta: webhooks/reference/messages/contacts)."""
    cards = as_list(value)
    names = ", ".join(name for card in cards if (name := _name(as_object(card))))
    return Content(message_type, f"[{message_type}] {names}".rstrip(), cards)


def _name(card: dict[str, Any]) -> str | None:
    name = as_object(card.get("name"))
    parts = (as_text(name.get("first_name")), as_text(name.get("last_name")))
    phones = (as_text(as_object(phone).get("phone")) for phone in as_list(card.get("phones")))
    full_name = " ".join(part for part in parts if part)
    return as_text(name.get("formatted_name")) or full_name or next((phone for phone in phones if phone), None)
