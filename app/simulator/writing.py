"""A customer writes: the message appears in the chat and goes to the business by webhook."""

from __future__ import annotations

from typing import Any

from app.simulator import identifiers
from app.simulator.chats import Chat, ChatMessage
from app.simulator.payloads import inbound_message
from app.simulator.simulator import Simulator


def write(simulator: Simulator, chat: Chat, kind: str, content: Any, quoted_id: str | None = None) -> ChatMessage:
    """Send a message of the customer's; it counts as delivered once the business's webhook has answered 200."""
    world = simulator.world
    with world.changing(chat):
        message = ChatMessage(
            id=identifiers.wamid(world.random, chat.customer.wa_id, from_business=False),
            from_business=False,
            timestamp=int(world.now()),
            type=kind,
            content=content,
            status="sent",
            quoted_id=quoted_id,
        )
        chat.customer_wrote_at = world.now()
        if kind != "reaction":
            world.add_message(chat, message)
        elif target := chat.find(content["message_id"]):
            target.react("customer", content.get("emoji", ""))
        value = inbound_message(chat.number, chat.customer, message)
    simulator.tell(chat.number, "messages", value, lambda: _arrived(simulator, chat, message))
    return message


def _arrived(simulator: Simulator, chat: Chat, message: ChatMessage) -> None:
    with simulator.world.changing(chat):
        message.advance("delivered")
