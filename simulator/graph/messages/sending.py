"""`POST /<phone_number_id>/messages`: accept a message of the business's, as Graph does."""

from __future__ import annotations

from typing import Any

from simulator.customers.chats import ChatMessage
from simulator.graph.messages.addressing import Addressee, Audience, audience_of
from simulator.graph.messages.content_checks import check_media, check_template, late_refusal
from simulator.graph.messages.types import check_message
from simulator.settings import BusinessNumber
from simulator.webhooks import receipts
from simulator.world import identifiers
from simulator.world.simulator import Simulator
from simulator.world.world import AcceptedMessage


def accept(simulator: Simulator, number: BusinessNumber, body: dict[str, Any]) -> dict[str, Any]:
    """Accept a message and see to its statuses; return Graph's answer.

    Raises `GraphRefusal`. What Meta finds out only later (a closed window, a phone without WhatsApp) is accepted here
    and fails by status.
    """
    kind = check_message(body)
    check_media(simulator, number, body)
    with simulator.world.lock:
        template, shown = check_template(simulator, number, body)
        audience = audience_of(simulator, number, body)
        for addressee in audience.addressees:
            customer = addressee.chat.customer
            simulator.world.limits.count(number.phone_number_id, customer.key, simulator.world.now())
        message_id = identifiers.wamid(simulator.world.random, _known_as(audience), from_business=True)
        _enter(simulator, number, message_id, body)
        for addressee in audience.addressees:
            message = _message(simulator, addressee, message_id, kind, body)
            message.shown, message.category = shown, template.category.lower() if template else "service"
            refusal = late_refusal(simulator, addressee.chat, body, message.category)
            _show(simulator, addressee, message)
            receipts.follow(simulator, addressee.chat, message, refusal)
    return _answer(audience, message_id, kind)


def _known_as(audience: Audience) -> str:
    return audience.group_id or audience.addressees[0].chat.customer.wa_id


def _enter(simulator: Simulator, number: BusinessNumber, message_id: str, body: dict[str, Any]) -> None:
    tag = body.get("biz_opaque_callback_data")
    to = body.get("to") or body.get("recipient")
    entry = AcceptedMessage(message_id, number.phone_number_id, to, tag, simulator.world.now(), body)
    simulator.world.accepted.append(entry)


def _message(
    simulator: Simulator, addressee: Addressee, message_id: str, kind: str, body: dict[str, Any]
) -> ChatMessage:
    return ChatMessage(
        id=message_id,
        from_business=True,
        timestamp=int(simulator.world.now()),
        type=kind,
        content=body[kind],
        status="accepted",
        quoted_id=(body.get("context") or {}).get("message_id"),
        callback_data=body.get("biz_opaque_callback_data"),
        status_keys=addressee.status_keys,
    )


def _show(simulator: Simulator, addressee: Addressee, message: ChatMessage) -> None:
    with simulator.world.changing(addressee.chat) as chat:
        chat.business_types_until = 0.0
        if message.type != "reaction":
            simulator.world.add_message(chat, message)
        elif target := chat.find(message.content["message_id"]):
            target.react("business", message.content["emoji"])


def _answer(audience: Audience, message_id: str, kind: str) -> dict[str, Any]:
    message = {"id": message_id}
    if audience.group_id:
        message["group_id"] = audience.group_id
    if kind == "template":
        message["message_status"] = "accepted"
    return {"messaging_product": "whatsapp", "contacts": [audience.contact], "messages": [message]}
