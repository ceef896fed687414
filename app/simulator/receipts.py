"""What becomes of a message of the business's: sent, delivered, read; or failed. Each is told by webhook."""

from __future__ import annotations

from typing import Any

from app.simulator.chats import Chat, ChatMessage
from app.simulator.errors import GraphRefusal
from app.simulator.payloads import status_value
from app.simulator.simulator import Simulator

_FREE_SERVICE_MESSAGES = 1000


def follow(simulator: Simulator, chat: Chat, message: ChatMessage, refusal: GraphRefusal | None) -> None:
    """Report an accepted message's fate at the simulator's pace. With a refusal, `failed` is all there is to report."""
    pace = simulator.settings.pace
    if refusal is not None:
        simulator.scheduler.later(pace.sent_after, lambda: _fail(simulator, chat, message, refusal))
        return
    pricing = _pricing(simulator, chat)
    simulator.scheduler.later(pace.sent_after, lambda: _report(simulator, chat, message, "sent", pricing))
    if message.type == "reaction":
        return  # Meta reports no more than `sent` for a reaction
    simulator.scheduler.later(pace.delivered_after, lambda: _report(simulator, chat, message, "delivered"))
    if chat.customer.sends_read_receipts:
        simulator.scheduler.later(pace.read_after, lambda: _report(simulator, chat, message, "read"))


def _report(
    simulator: Simulator, chat: Chat, message: ChatMessage, status: str, pricing: dict[str, Any] | None = None
) -> None:
    with simulator.world.changing(chat):
        message.advance(status)
        timestamp = int(simulator.world.now())
        value = status_value(chat.number, chat.customer, message, status, timestamp, pricing)
    simulator.tell(chat.number, "messages", value)


def _fail(simulator: Simulator, chat: Chat, message: ChatMessage, refusal: GraphRefusal) -> None:
    with simulator.world.changing(chat):
        message.advance("failed")
        message.error_code = refusal.code
        timestamp = int(simulator.world.now())
        value = status_value(chat.number, chat.customer, message, "failed", timestamp, refusal=refusal)
    simulator.tell(chat.number, "messages", value)


def _pricing(simulator: Simulator, chat: Chat) -> dict[str, Any]:
    """The price tag, which stands on the first status only. A number's first thousand free-form messages are free."""
    with simulator.world.lock:
        simulator.world.service_messages[chat.number.phone_number_id] += 1
        free = simulator.world.service_messages[chat.number.phone_number_id] <= _FREE_SERVICE_MESSAGES
    kind = "free_customer_service" if free else "regular"
    return {"billable": not free, "pricing_model": "PMP", "type": kind, "category": "service"}
