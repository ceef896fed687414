"""The JSON of Meta's webhooks (Meta: webhooks/reference/messages and its sub-pages)."""

from __future__ import annotations

from typing import Any

from simulator.customers.chats import ChatMessage
from simulator.customers.people import Customer
from simulator.graph.errors import GraphRefusal
from simulator.settings import BusinessNumber


def envelope(changes: list[tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    """One notification of many changes, each given with the account it belongs to."""
    entries: dict[str, list[dict[str, Any]]] = {}
    for waba_id, change in changes:
        entries.setdefault(waba_id, []).append(change)
    return {
        "object": "whatsapp_business_account",
        "entry": [{"id": waba_id, "changes": theirs} for waba_id, theirs in entries.items()],
    }


def number_value(number: BusinessNumber, **parts: Any) -> dict[str, Any]:
    """The `value` of a change that is about one number."""
    metadata = {"display_phone_number": number.display_phone_number, "phone_number_id": number.phone_number_id}
    return {"messaging_product": "whatsapp", "metadata": metadata, **parts}


def inbound_message(number: BusinessNumber, customer: Customer, message: ChatMessage) -> dict[str, Any]:
    """The `value` that brings a customer's message."""
    item: dict[str, Any] = {
        **customer.identity(phone="from", user="from_user_id"),
        "id": message.id,
        "timestamp": str(message.timestamp),
        "type": message.type,
        message.type: message.content,
    }
    if message.quoted_id:
        item["context"] = {"from": number.display_phone_number, "id": message.quoted_id}
    return number_value(number, contacts=[customer.contact()], messages=[item])


def status_value(
    number: BusinessNumber,
    customer: Customer,
    message: ChatMessage,
    status: str,
    timestamp: int,
    pricing: dict[str, Any] | None = None,
    refusal: GraphRefusal | None = None,
) -> dict[str, Any]:
    """The `value` that reports how a message of the business fares."""
    item: dict[str, Any] = {"id": message.id, "status": status, "timestamp": str(timestamp), **message.status_keys}
    if message.callback_data is not None:
        item["biz_opaque_callback_data"] = message.callback_data
    if refusal is not None:
        return number_value(number, statuses=[{**item, "errors": [refusal.to_webhook()]}])
    if pricing is not None:
        item["pricing"] = pricing
    contact = customer.contact(with_username=status != "sent")
    return number_value(number, contacts=[contact], statuses=[item])
