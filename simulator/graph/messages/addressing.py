"""Whom a message is for: a person by number or BSUID, or a group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from simulator.customers.chats import Chat
from simulator.customers.people import Customer
from simulator.graph.errors import GraphRefusal, invalid
from simulator.settings import BusinessNumber
from simulator.world.phone_numbers import dialled, digits_of, is_phone_number
from simulator.world.simulator import Simulator


@dataclass(frozen=True)
class Addressee:
    """One phone that a message goes to, and the keys by which its statuses will name it."""

    chat: Chat
    status_keys: dict[str, Any]


@dataclass(frozen=True)
class Audience:
    """Everybody a message goes to, and what Graph's answer says of it."""

    addressees: list[Addressee]
    contact: dict[str, Any]
    group_id: str | None = None


def audience_of(simulator: Simulator, number: BusinessNumber, body: dict[str, Any]) -> Audience:
    """Who a checked body is for. Raises `GraphRefusal` for somebody this number cannot write to."""
    if body.get("recipient_type") == "group":
        return _group(simulator, number, str(body.get("to")))
    if body.get("to") is not None:
        customer = _by_number(simulator, number, body["to"])
        contact = {"input": body["to"], "wa_id": customer.wa_id}
    else:
        customer = _by_user_id(simulator, body)
        contact = {"input": body["recipient"], "user_id": customer.user_id}
    if (number.phone_number_id, customer.key) in simulator.world.blocked:
        raise GraphRefusal(130403, "The business has blocked this user")
    chat = simulator.world.chat(number, customer)
    return Audience([Addressee(chat, _status_keys(customer, by_phone="to" in body))], contact)


def _by_number(simulator: Simulator, number: BusinessNumber, written: str) -> Customer:
    if not is_phone_number(written):
        raise invalid("to", "is not a valid phone number")
    digits = dialled(written, number.display_phone_number)
    if digits == number.display_phone_number:
        raise GraphRefusal(131021, "Recipient phone number cannot be the sender phone number")
    allowed = simulator.settings.allowed_recipients
    if allowed is not None and digits not in map(digits_of, allowed):
        raise GraphRefusal(131030, "Recipient phone number not in allowed list: Add recipient phone number to list")
    return simulator.world.customers.meet(digits)


def _by_user_id(simulator: Simulator, body: dict[str, Any]) -> Customer:
    customer = simulator.world.customers.find_by_user_id(body["recipient"])
    if customer is None:
        raise invalid("recipient", "is not a user that this business knows")
    return customer


def _group(simulator: Simulator, number: BusinessNumber, group_id: str) -> Audience:
    group = next((one for one in simulator.settings.groups if one.group_id == group_id), None)
    if group is None:
        raise GraphRefusal(131041, "Group does not exist or this number is not in it")
    addressees = []
    for digits in group.members:
        customer = simulator.world.customers.meet(digits)
        keys = {"recipient_id": group_id, "recipient_type": "group"}
        keys |= customer.identity(phone="recipient_participant_id", user="recipient_participant_user_id")
        addressees.append(Addressee(simulator.world.chat(number, customer), keys))
    return Audience(addressees, {"input": group_id, "wa_id": group_id}, group_id)


def _status_keys(customer: Customer, *, by_phone: bool) -> dict[str, Any]:
    """The phone is left out for somebody addressed by BSUID who hides it."""
    if by_phone or customer.shows_number:
        return {"recipient_id": customer.wa_id, "recipient_user_id": customer.user_id}
    return {"recipient_user_id": customer.user_id}
