"""The actions that come through the messages endpoint: mark as read, and show that somebody types."""

from __future__ import annotations

from typing import Any

from simulator.customers.chats import Chat
from simulator.graph.errors import GraphRefusal
from simulator.graph.rules import choice, structure, text
from simulator.settings import BusinessNumber
from simulator.world.simulator import Simulator

_TYPING_SECONDS = 25.0

_READ = structure(
    {"messaging_product": choice("whatsapp"), "status": choice("read"), "message_id": text(255)},
    {"typing_indicator": structure({"type": choice("text")})},
)


def mark_read(simulator: Simulator, number: BusinessNumber, body: dict[str, Any]) -> dict[str, Any]:
    """Mark a customer's message, and every earlier one of that chat, as read; show the typing dots if asked."""
    _READ(body, "")
    chat = _chat_holding(simulator, number, body["message_id"])
    with simulator.world.changing(chat):
        chat.read_by_business(body["message_id"])
        if body.get("typing_indicator"):
            chat.business_types_until = simulator.world.now() + _TYPING_SECONDS
    return {"success": True}


def _chat_holding(simulator: Simulator, number: BusinessNumber, message_id: str) -> Chat:
    chat = simulator.world.chat_of.get(message_id)
    message = chat.find(message_id) if chat else None
    if chat is None or message is None or message.from_business or chat.number != number:
        raise GraphRefusal(100, "Message ID does not belong to a message that this number received")
    return chat
