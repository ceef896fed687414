"""Messages that no app sends: what a customer writes, and what the business writes on its own phone."""

from __future__ import annotations

from typing import Any

from simulator.customers.chats import Chat, ChatMessage
from simulator.graph.media.store import KEPT_RECEIVED
from simulator.webhooks.payloads import inbound_message, number_value
from simulator.world import identifiers
from simulator.world.simulator import Simulator


def write(simulator: Simulator, chat: Chat, kind: str, content: Any, quoted_id: str | None = None) -> ChatMessage:
    """Send a message of the customer's; it counts as delivered once the business's webhook has answered 200."""
    world = simulator.world
    with world.changing(chat):
        message = _new_message(simulator, chat, kind, content, from_business=False, quoted_id=quoted_id)
        chat.customer_wrote_at = world.now()
        if kind != "reaction":
            world.add_message(chat, message)
        elif target := chat.find(content["message_id"]):
            target.react("customer", content.get("emoji", ""))
        value = inbound_message(chat.number, chat.customer, message)
        blocked = (chat.number.phone_number_id, chat.customer.key) in world.blocked
    if not blocked:  # the customer is not told: their message just never arrives
        simulator.tell(chat.number, "messages", value, lambda: _arrived(simulator, chat, message))
    return message


def echo(simulator: Simulator, chat: Chat, kind: str, content: Any) -> ChatMessage:
    """Send a message from the business's own phone: the customer reads it, apps hear of it as an echo."""
    world = simulator.world
    with world.changing(chat):
        message = _new_message(simulator, chat, kind, content, from_business=True)
        message.status = "delivered"
        world.add_message(chat, message)
        item = {
            "from": chat.number.display_phone_number,
            **chat.customer.identity(phone="to", user="to_user_id"),
            "id": message.id,
            "timestamp": str(message.timestamp),
            "type": kind,
            kind: content,
        }
    simulator.tell(chat.number, "smb_message_echoes", number_value(chat.number, message_echoes=[item]))
    return message


def keep_file(
    simulator: Simulator, chat: Chat, kind: str, mime_type: str, content: bytes, filename: str | None
) -> dict[str, Any]:
    """Keep a customer's file for seven days; return what the message says of it."""
    world = simulator.world
    now = world.now()
    with world.lock:
        number = chat.number.phone_number_id
        file = world.media.add(number, mime_type, content, filename, now + KEPT_RECEIVED)
        url = simulator.settings.base_url + world.media.open_url(file, now)
    said: dict[str, Any] = {"mime_type": mime_type, "sha256": file.webhook_digest, "id": file.id, "url": url}
    if kind == "document" and filename:
        said["filename"] = filename
    if kind == "audio":
        said["voice"] = "opus" in mime_type
    return said


def _new_message(
    simulator: Simulator, chat: Chat, kind: str, content: Any, *, from_business: bool, quoted_id: str | None = None
) -> ChatMessage:
    world = simulator.world
    return ChatMessage(
        id=identifiers.wamid(world.random, chat.customer.wa_id, from_business=from_business),
        from_business=from_business,
        timestamp=int(world.now()),
        type=kind,
        content=content,
        status="sent",
        quoted_id=quoted_id,
    )


def _arrived(simulator: Simulator, chat: Chat, message: ChatMessage) -> None:
    with simulator.world.changing(chat):
        message.advance("delivered")
