"""What a send is made of."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, TypedDict


class SendBody(TypedDict, total=False):
    """A message to send, in short (`to` and `message`) or in full (`type`, and the object of that name as Meta has it).

    One of `to`, `recipient` and `group_id` says to whom. https://developers.facebook.com/docs/whatsapp/cloud-api has
    Meta's objects.
    """

    to: str
    """A phone number in any usual notation, as +5491112345678."""
    recipient: str
    """Meta's id of a user who hides the number."""
    group_id: str
    message: str
    image_url: str
    phone_number_id: str
    """Which of our numbers sends; needed only if there are several."""
    type: str
    text: dict[str, Any]
    image: dict[str, Any]
    video: dict[str, Any]
    audio: dict[str, Any]
    document: dict[str, Any]
    sticker: dict[str, Any]
    location: dict[str, Any]
    contacts: list[dict[str, Any]]
    reaction: dict[str, Any]
    interactive: dict[str, Any]
    template: dict[str, Any] | str
    reply_to: str
    """Our id or the wamid of the message that this one quotes."""
    mode: Literal["sync", "queued"]
    """`sync` waits for Meta's answer; `queued` answers at once."""
    send_at: str | datetime
    expires_at: str | datetime
    priority: Literal["reply", "normal", "bulk"]
    callback_data: str
    """Any text of yours; it comes back with every report on the message."""
    force: bool
    """Leave the checks of window and opt-out to Meta."""
    raw: bool
    """Pass a type through that the gateway does not know."""
