"""The address to which a reply to an event is sent."""

from __future__ import annotations

from typing import Any

from app.domain.addresses import is_user_id

ADDRESSES = ("to", "recipient", "group_id")


def address_of(type: str, data: dict[str, Any]) -> dict[str, str]:
    """Return the address of the person or group that an event is about, as fields of a send.

    `data` is the event's data. The address is that of the sender of an inbound message, and of the recipient of an
    outbound one; the result is empty for other events.
    """
    if type not in ("message.received", "message.sent", "message.status"):
        return {}
    message = data
    if type == "message.status":  # `message` is None if Meta reports a message that we do not know
        message = data["message"] or data["status"]
    if message.get("group_id"):
        return {"group_id": message["group_id"]}
    person = message["sender" if type == "message.received" else "recipient"]
    return {"recipient" if is_user_id(person) else "to": person} if person else {}
