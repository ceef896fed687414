"""What becomes of a message of the business's: sent, delivered, read; or failed. Each is told by webhook."""

from __future__ import annotations

from typing import Any

from simulator.customers.chats import Chat, ChatMessage
from simulator.graph.errors import GraphRefusal
from simulator.webhooks.payloads import status_value
from simulator.world.simulator import Simulator

_FREE_SERVICE_MESSAGES = 1000


def follow(simulator: Simulator, chat: Chat, message: ChatMessage, refusal: GraphRefusal | None) -> None:
    """Report an accepted message's fate at the simulator's pace. With a refusal, `failed` is all there is to report."""
    fault = simulator.world.faults.draw(("silence", "late"), to=chat.customer.wa_id)
    if fault and fault.kind == "silence":
        return
    late = fault.seconds if fault else 0.0
    if refusal is not None:
        _later(simulator, late + simulator.settings.pace.sent_after, chat, message, "failed", refusal=refusal)
        return
    for seconds, status in _steps(simulator, chat, message):
        pricing = _pricing(simulator, chat, message) if status == "sent" else None
        _later(simulator, late + seconds, chat, message, status, pricing=pricing)


def _steps(simulator: Simulator, chat: Chat, message: ChatMessage) -> list[tuple[float, str]]:
    pace = simulator.settings.pace
    if message.type in ("reaction", "pin"):
        return [(pace.sent_after, "sent")]  # Meta reports no more than that for a reaction
    steps = [(pace.sent_after, "sent"), (pace.delivered_after, "delivered")]
    if chat.customer.sends_read_receipts:
        steps.append((pace.read_after, "read"))
    return steps


def report(
    simulator: Simulator,
    chat: Chat,
    message: ChatMessage,
    status: str,
    *,
    pricing: dict[str, Any] | None = None,
    refusal: GraphRefusal | None = None,
) -> None:
    """Put a message where a status puts it, and tell the business."""
    with simulator.world.changing(chat):
        message.advance(status)
        message.error_code = refusal.code if refusal else None
        timestamp = int(simulator.world.now())
        value = status_value(chat.number, chat.customer, message, status, timestamp, pricing, refusal)
        simulator.world.history.setdefault(message.id, []).append((status, timestamp))
    simulator.tell(chat.number, "messages", value)


def _later(
    simulator: Simulator,
    seconds: float,
    chat: Chat,
    message: ChatMessage,
    status: str,
    *,
    pricing: dict[str, Any] | None = None,
    refusal: GraphRefusal | None = None,
) -> None:
    simulator.scheduler.later(
        seconds, lambda: report(simulator, chat, message, status, pricing=pricing, refusal=refusal)
    )


def _pricing(simulator: Simulator, chat: Chat, message: ChatMessage) -> dict[str, Any]:
    """The price tag, which stands on the first status only. A number's first thousand free-form messages are free."""
    free = False
    if message.category == "service":
        with simulator.world.lock:
            simulator.world.service_messages[chat.number.phone_number_id] += 1
            free = simulator.world.service_messages[chat.number.phone_number_id] <= _FREE_SERVICE_MESSAGES
    kind = "free_customer_service" if free else "regular"
    return {"billable": not free, "pricing_model": "PMP", "type": kind, "category": message.category}
