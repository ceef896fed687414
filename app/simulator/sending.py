"""`POST /<phone_number_id>/messages`: accept a message or an action of the business's, as Graph does."""

from __future__ import annotations

from typing import Any

from app.simulator import identifiers, receipts
from app.simulator.chats import Chat, ChatMessage
from app.simulator.customers import Customer
from app.simulator.errors import GraphRefusal, invalid
from app.simulator.message_types import check_message
from app.simulator.phone_numbers import dialled, digits_of, is_phone_number
from app.simulator.settings import BusinessNumber
from app.simulator.simulator import Simulator
from app.simulator.world import AcceptedMessage


def accept(simulator: Simulator, number: BusinessNumber, body: dict[str, Any]) -> dict[str, Any]:
    """Accept a message and see to its statuses; return Graph's answer.

    Raises `GraphRefusal`. What Meta finds out only later (a closed window, a phone without WhatsApp) is accepted here
    and fails by status.
    """
    kind = check_message(body)
    customer, echo = _recipient(simulator, number, body)
    with simulator.world.lock:
        chat = simulator.world.chat(number, customer)
        refusal = _late_refusal(simulator, chat, kind)
        message = _store(simulator, chat, kind, body)
    receipts.follow(simulator, chat, message, refusal)
    return {"messaging_product": "whatsapp", "contacts": [echo], "messages": [{"id": message.id}]}


def _recipient(simulator: Simulator, number: BusinessNumber, body: dict[str, Any]) -> tuple[Customer, dict[str, Any]]:
    """The person a body is for, and the `contacts[]` item that says whom Meta took it to be."""
    written = body.get("to")
    if written is None:
        customer = simulator.world.customers.find_by_user_id(body["recipient"])
        if customer is None:
            raise invalid("recipient", "is not a user that this business knows")
        return customer, {"input": body["recipient"], "user_id": customer.user_id}
    if not is_phone_number(written):
        raise invalid("to", "is not a valid phone number")
    digits = dialled(written, number.display_phone_number)
    if digits == number.display_phone_number:
        raise GraphRefusal(131021, "Recipient phone number cannot be the sender phone number")
    allowed = simulator.settings.allowed_recipients
    if allowed is not None and digits not in map(digits_of, allowed):
        raise GraphRefusal(131030, "Recipient phone number not in allowed list: Add recipient phone number to list")
    customer = simulator.world.customers.meet(digits)
    return customer, {"input": written, "wa_id": customer.wa_id}


def _late_refusal(simulator: Simulator, chat: Chat, kind: str) -> GraphRefusal | None:
    """Why Meta will report this message as failed after accepting it, if it will."""
    if not chat.customer.on_whatsapp or chat.number.phone_number_id in chat.customer.has_blocked:
        return GraphRefusal(131026, "Message Undeliverable.")
    closed = simulator.settings.enforce_window and not chat.window_is_open(simulator.world.now())
    if kind != "template" and closed:
        details = "Message failed to send because more than 24 hours have passed since the customer last replied."
        return GraphRefusal(131047, details)
    return None


def _store(simulator: Simulator, chat: Chat, kind: str, body: dict[str, Any]) -> ChatMessage:
    world = simulator.world
    to_user = body.get("to") is None
    message = ChatMessage(
        id=identifiers.wamid(world.random, chat.customer.wa_id, from_business=True),
        from_business=True,
        timestamp=int(world.now()),
        type=kind,
        content=body[kind],
        status="accepted",
        quoted_id=(body.get("context") or {}).get("message_id"),
        callback_data=body.get("biz_opaque_callback_data"),
        sent_to=_addressed(chat.customer, to_user),
    )
    tag = body.get("biz_opaque_callback_data")
    to = body.get("to") or body.get("recipient")
    world.accepted.append(AcceptedMessage(message.id, chat.number.phone_number_id, to, tag, world.now(), body))
    with world.changing(chat):
        chat.business_types_until = 0.0
        if kind != "reaction":
            world.add_message(chat, message)
        elif target := chat.find(body["reaction"]["message_id"]):
            target.react("business", body["reaction"]["emoji"])
    return message


def _addressed(customer: Customer, to_user: bool) -> dict[str, Any]:
    """The recipient keys of the statuses: the phone is left out for somebody addressed by BSUID who hides it."""
    if to_user and not customer.shows_number:
        return {"recipient_user_id": customer.user_id}
    return {"recipient_id": customer.wa_id, "recipient_user_id": customer.user_id}
