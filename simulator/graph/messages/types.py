"""What Graph accepts in `POST /<phone_number_id>/messages`, one rule per message type.

Source: Meta: messages/send-messages and the page of each type.
"""

from __future__ import annotations

from typing import Any

from simulator.graph.errors import GraphRefusal, invalid, missing
from simulator.graph.media.types import media
from simulator.graph.messages.contact_cards import CONTACTS
from simulator.graph.messages.interactive_types import INTERACTIVE
from simulator.graph.rules import Rule, anything, choice, decimal, flag, integer, structure, text
from simulator.graph.templates.types import TEMPLATE

_CAPTION = text(1024)

TYPES: dict[str, Rule] = {
    "text": structure({"body": text(4096)}, {"preview_url": flag}),
    "image": media(caption=_CAPTION),
    "video": media(caption=_CAPTION),
    "audio": media(voice=flag),
    "document": media(caption=_CAPTION, filename=text(240)),
    "sticker": media(),
    "location": structure(
        {"latitude": decimal(-90, 90), "longitude": decimal(-180, 180)}, {"name": text(1000), "address": text(1000)}
    ),
    "contacts": CONTACTS,
    "interactive": INTERACTIVE,
    "template": TEMPLATE,
    "reaction": structure({"message_id": text(255), "emoji": text(32, shortest=0)}),
    "pin": structure(
        {"type": choice("pin", "unpin"), "message_id": text(255)}, {"expiration_days": integer(1, 30)}
    ),
}
_IN_GROUPS = ("text", "image", "video", "audio", "document", "sticker", "template", "pin")

_ENVELOPE = structure(
    {"messaging_product": choice("whatsapp")},
    {
        "recipient_type": choice("individual", "group"),
        "to": text(128),
        "recipient": text(160),
        "type": text(64),
        "context": structure({"message_id": text(255)}),
        "biz_opaque_callback_data": text(512, shortest=0),
        "recipient_identity_key_hash": text(255),
        "messaging_account_id": text(64),
        "paid_messaging_account_id": text(64),
        **dict.fromkeys(TYPES, anything),
    },
)


def check_message(body: dict[str, Any]) -> str:
    """Refuse what Graph would refuse; return the message's type."""
    if body.get("messaging_product") is None:
        raise GraphRefusal(100, message="(#100) The parameter messaging_product is required.")
    _ENVELOPE(body, "")
    if body.get("to") is None and body.get("recipient") is None:
        raise missing("to")
    kind = str(body.get("type") or "text")
    if kind not in TYPES:
        raise GraphRefusal(131051, f"Message type '{kind}' is not supported")
    _check_content(body, kind)
    _check_audience(body, kind)
    return kind


def _check_content(body: dict[str, Any], kind: str) -> None:
    if body.get(kind) is None:
        raise missing(kind)
    for other in TYPES:
        if other != kind and body.get(other) is not None:
            raise invalid(other, f"does not belong to a message of type {kind}")
    TYPES[kind](body[kind], kind)


def _check_audience(body: dict[str, Any], kind: str) -> None:
    to_group = body.get("recipient_type") == "group"
    if to_group and kind not in _IN_GROUPS:
        raise GraphRefusal(131051, f"Messages of type {kind} cannot be sent to groups")
    if kind == "pin" and not to_group:
        raise invalid("recipient_type", "must be group to pin a message")
    if kind == "reaction" and body.get("context"):
        raise invalid("context", "does not belong to a reaction")
