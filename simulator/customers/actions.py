"""What a customer does that is not a message: block, opt out, move to another number, play a voice note."""

from __future__ import annotations

from typing import Any

from simulator.customers.chats import Chat
from simulator.customers.people import Customer
from simulator.webhooks import receipts
from simulator.webhooks.payloads import number_value
from simulator.world import identifiers
from simulator.world.simulator import Simulator

_CHANGEABLE = {
    "name": str,
    "username": str,
    "shows_number": bool,
    "on_whatsapp": bool,
    "sends_read_receipts": bool,
}


def block(simulator: Simulator, chat: Chat, *, blocked: bool) -> None:
    """Hear no more of the business, or hear of it again. WhatsApp does not tell the business."""
    with simulator.world.changing(chat):
        if blocked:
            chat.customer.has_blocked.add(chat.number.phone_number_id)
        else:
            chat.customer.has_blocked.discard(chat.number.phone_number_id)


def want_marketing(simulator: Simulator, chat: Chat, *, wanted: bool) -> None:
    """Stop or resume marketing messages; the business hears of it (Meta: webhooks/reference/user_preferences)."""
    customer = chat.customer
    with simulator.world.changing(chat):
        if wanted:
            customer.stopped_marketing.discard(chat.number.phone_number_id)
        else:
            customer.stopped_marketing.add(chat.number.phone_number_id)
        preference = {
            **customer.identity(phone="wa_id", user="user_id"),
            "detail": f"User requested to {'resume' if wanted else 'stop'} marketing messages",
            "category": "marketing_messages",
            "value": "resume" if wanted else "stop",
            "timestamp": int(simulator.world.now()),
        }
        value = number_value(chat.number, contacts=[customer.contact()], user_preferences=[preference])
    simulator.tell(chat.number, "user_preferences", value)


def change(simulator: Simulator, customer: Customer, wishes: dict[str, Any]) -> bool:
    """Change a person's settings; False, with nothing changed, when one of them does not exist or fits badly."""
    for name, value in wishes.items():
        if name not in _CHANGEABLE or not isinstance(value, _CHANGEABLE[name]):
            return False
    for name, value in wishes.items():
        setattr(customer, name, value)
    for chat in _chats_of(simulator, customer):
        with simulator.world.changing(chat):
            pass  # the pages that show this person wait for it
    return True


def change_number(simulator: Simulator, customer: Customer, digits: str) -> None:
    """Move to another number. Every business this person talks with hears of it by a `system` message."""
    world = simulator.world
    with world.lock:
        before = customer.identity(phone="from", user="from_user_id")
        old_number, old_user = customer.wa_id, customer.user_id
        world.customers.move(customer, digits)
        shown = customer.shows_number
        system = {
            "type": "user_changed_number" if shown else "user_changed_user_id",
            "body": f"User {customer.name} changed from {old_number} to {digits}" if shown else "User changed",
            **customer.identity(phone="wa_id", user="user_id"),
            "previous_user_id": old_user,
        }
        for chat in _chats_of(simulator, customer):
            message_id = identifiers.wamid(world.random, old_number, from_business=False)
            item = {**before, "id": message_id, "timestamp": str(int(world.now())), "type": "system", "system": system}
            simulator.tell(chat.number, "messages", number_value(chat.number, messages=[item]))


def play(simulator: Simulator, chat: Chat, message_id: str) -> None:
    """Play a voice note of the business's; it hears of the first time."""
    message = chat.find(message_id)
    if message and message.from_business and message.type == "audio" and message.status in ("delivered", "read"):
        receipts.report(simulator, chat, message, "played")


def _chats_of(simulator: Simulator, customer: Customer) -> list[Chat]:
    with simulator.world.lock:
        return [chat for chat in simulator.world.chats.values() if chat.customer is customer]
