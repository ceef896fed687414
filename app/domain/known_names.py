"""The names that users filter by: types of events and of messages, and statuses.

A filter with a misspelt name would never match and nobody would notice, so an unknown name is refused where it is
configured. Meta adds types, statuses and fields several times a year; for those, `unknown:NAME` is NAME unchecked. What
Meta sends is never checked against these lists.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection

UNCHECKED = "unknown:"
"""The prefix of a name that is not checked."""

ACCOUNT_FIELDS = (
    "account_alerts",
    "account_review_update",
    "account_settings_update",
    "account_update",
    "automatic_events",
    "business_capability_update",
    "business_status_update",
    "business_username_updates",
    "consumer_profile",
    "errors",
    "flows",
    "history",
    "message_template_components_update",
    "message_template_quality_update",
    "message_template_status_update",
    "messaging_handovers",
    "partner_solutions",
    "payment_configuration_update",
    "phone_number_name_update",
    "phone_number_quality_update",
    "security",
    "smb_app_state_sync",
    "template_category_update",
    "template_correct_category_detection",
    "tracking_events",
    "whatsapp_account",
)
"""The fields that may follow `account.` in an event's type."""

EVENT_TYPES = (
    "message.received",
    "message.sent",
    "message.status",
    "message.edited",
    "message.revoked",
    "contact.updated",
    "marketing.preference",
    "call",
    "group",
    "gateway.alert",
    "unknown",
    *(f"account.{field}" for field in ACCOUNT_FIELDS),
)

REPORTED_STATUSES = (
    "accepted", "sent", "delivered", "read", "played", "failed", "unknown", "held", "queued", "sending", "cancelled",
    "expired", "deleted", "warning", "pending", "captured",
)  # fmt: skip
"""The statuses in `message.status` events: Meta's reports, also about payments, and results of queued sends."""

MESSAGE_STATUSES = (
    "received", "queued", "sending", "unknown", "held", "cancelled", "expired", "accepted", "sent", "delivered", "read",
    "played", "failed",
)  # fmt: skip
"""The statuses that a message may have."""

MESSAGE_TYPES = (
    "text", "image", "video", "audio", "voice", "document", "sticker", "location", "contacts", "reaction", "button",
    "list_reply", "form", "call_permission", "interactive", "order", "system", "template", "pin", "unsupported",
    "media_placeholder", "unknown",
)  # fmt: skip
"""The values of a message's `message_type`, inbound and outbound."""


class UnknownName(ValueError):
    """The name is not known. The message suggests the nearest known name, or lists them."""


def check(name: str, known: Collection[str], *, wildcard: bool = False) -> None:
    """Raise `UnknownName` unless a name is known, or begins with `unknown:`.

    With `wildcard`, `*` and `message.*` are names too, as long as something known begins so.
    """
    if name.startswith(UNCHECKED) and len(name) > len(UNCHECKED):
        return
    if name in known:
        return
    if wildcard and name.endswith("*") and any(each.startswith(name[:-1]) for each in known):
        return
    families = {f"{each.partition('.')[0]}.*": None for each in known if "." in each} if wildcard else {}
    near = suggestion(name, [*known, *families])
    raise UnknownName(f"is not known{near}; `{UNCHECKED}NAME` stands for what Meta may add")


def suggestion(name: str, known: Collection[str], *, begin: str = "; ") -> str:
    """Return a suggestion for an unknown name: the nearest known name, else all if they are few, else an empty text."""
    near = nearest(name, known)
    if near is not None:
        return f"{begin}did you mean `{near}`?"
    return f"{begin}known: {', '.join(known)}" if 0 < len(known) <= 25 else ""


def nearest(name: str, known: Collection[str]) -> str | None:
    """Return the known name that is most similar to this one, or None if none is similar."""
    written = name[:100].lower()
    begins = [each for each in known if len(written) > 1 and (each.startswith(written) or written.startswith(each))]
    found = difflib.get_close_matches(written, known, 1, 0.6) or sorted(begins, key=len)
    return found[0] if found else None


def plain(name: str) -> str:
    """Return the name without the prefix `unknown:`."""
    return name.removeprefix(UNCHECKED)
