"""To whom an event is answered."""

from __future__ import annotations

from typing import Any

from app.domain.addresses import is_user_id

ADDRESSES = ("to", "recipient", "group_id")


def address_of(type: str, data: dict[str, Any]) -> dict[str, str]:
    """The address of whoever an event is about, as a send names it: who wrote, or who was written to.

    Empty for an event that is about nobody.
    """
    if type not in ("message.received", "message.sent", "message.status"):
        return {}
    message = data
    if type == "message.status":  # of a message that we do not know, perhaps
        message = data["message"] or data["status"]
    if message.get("group_id"):
        return {"group_id": message["group_id"]}
    person = message["sender" if type == "message.received" else "recipient"]
    return {"recipient" if is_user_id(person) else "to": person} if person else {}
