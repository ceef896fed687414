"""Messages of type `order`: a customer's cart."""

from __future__ import annotations

from typing import Any

from app.schemas.inbound.content import Content, keep_as_given
from app.schemas.lenient import as_list, as_object


def parse_order(message_type: str, value: Any) -> Content:
    """Return the cart; the text is its number of lines (Meta: webhooks/reference/messages/order)."""
    count = len(as_list(as_object(value).get("product_items")))
    if not count:
        return keep_as_given(message_type, value)
    return Content(message_type, f"[{message_type}] {count} {'item' if count == 1 else 'items'}", value)
