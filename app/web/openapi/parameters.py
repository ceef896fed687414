"""Parameters that several operations share."""

from __future__ import annotations

from typing import Any

from app.services.idempotency import MAX_KEY_LENGTH
from app.web.openapi.operations import given

KEY = given(
    "Idempotency-Key",
    "header",
    "The same key, the same request: done once.",
    required=False,
    minLength=1,
    maxLength=MAX_KEY_LENGTH,
    pattern="^[ -~]+$",
)


def key_of(operation: str) -> dict[str, Any]:
    """The parameter, with an example that no other operation has: one key stands for one request."""
    return KEY | {"example": f"{operation}-1"}


OUR_ID = "01a20c83-9c99-716b-8b07-2a3001233244"
PNID, MEDIA, APP = "700100200300400", "1166846181421424", "123456789012345"


def _path(description: str, example: str, **schema: Any) -> dict[str, Any]:
    return {"description": description, "schema": {"type": "string", "minLength": 1, **schema}, "example": example}


PATHS: dict[str, dict[str, Any]] = {
    "message_id": _path("Our id of the message, or Meta's (wamid).", OUR_ID),
    "batch_id": _path("A batch's id.", OUR_ID),
    "contact_id": _path("Our id of the contact, a phone in any notation, or Meta's user id.", "+5491112345678"),
    "conversation_id": _path("The conversation's id.", OUR_ID),
    "label_id": _path("A label's id.", OUR_ID),
    "quick_reply_id": _path("A quick reply's id.", OUR_ID),
    "media_id": _path("Our id of the file, or Meta's.", MEDIA),
    "endpoint_id": _path("An endpoint's id.", OUR_ID),
    "delivery_id": _path("A delivery's id.", "1"),
    "notification_id": _path("The id of a webhook that was kept.", OUR_ID),
    "phone_number_id": _path("Meta's id of one of our numbers.", PNID),
    "person_id": _path("A person's id.", OUR_ID),
    "key_name": _path("A key's name.", "crm"),
    "version": _path("A version of Graph; all are served alike.", "v26.0"),
    "app_id": _path("The id of a Meta app.", APP),
    "upload": _path("What follows `upload:` in an upload's id.", "MTphdHRhY2htZW50"),
    "object_id": _path("The id of a number, an account, a file or a template.", PNID),
    "edge": _path("What of it.", "whatsapp_business_profile"),
    "item_id": _path("The id of one item.", "4O4YGZEG3RIVE1"),
}
