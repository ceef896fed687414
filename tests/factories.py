"""Meta's webhook bodies, and what callers send, built from the few facts that a test is about."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from typing import Any

PNID = "700100200300400"
WABA = "900100200300400"
DISPLAY = "15550100100"
OTHER_PNID = "700100200300499"
OTHER_WABA = "900100200300499"
ANA = "5491112345678"
BO = "34600111222"
SENT_AT = 1_633_024_800  # 2021-09-30T18:00:00Z

Json = dict[str, Any]

_numbers = itertools.count(1)


def wamid() -> str:
    """A message id that no other message has."""
    return f"wamid.HBgN{next(_numbers):08d}/AA=="


def text(body: str = "Hola", *, id: str | None = None, sender: str = ANA, timestamp: Any = SENT_AT) -> Json:
    """A text message from a customer."""
    return {"from": sender, "id": id or wamid(), "timestamp": str(timestamp), "type": "text", "text": {"body": body}}


def status(id: str, word: str = "delivered", *, to: str = ANA, timestamp: int = SENT_AT, **more: Any) -> Json:
    """A report on a message of ours."""
    return {"id": id, "status": word, "timestamp": str(timestamp), "recipient_id": to, **more}


def echo(id: str, body: str = "Hola", *, to: str = ANA, sender: str = DISPLAY) -> Json:
    """A message that somebody wrote on the business's phone."""
    return {
        "from": sender, "to": to, "id": id, "timestamp": str(SENT_AT), "type": "text", "text": {"body": body},
    }  # fmt: skip


def contact(wa_id: str = ANA, name: str = "Ana", **more: Any) -> Json:
    """An element of `contacts[]`."""
    return {"profile": {"name": name}, "wa_id": wa_id, **more}


def change(
    *,
    messages: Sequence[Any] = (),
    statuses: Sequence[Any] = (),
    contacts: Sequence[Any] = (),
    field: str = "messages",
    number: str | None = PNID,
    display: str = DISPLAY,
    **value: Any,
) -> Json:
    """A change about one of our numbers; lists that are empty are left out, as Meta does."""
    metadata = {"display_phone_number": display, "phone_number_id": number} if number else None
    lists = {"contacts": contacts, "messages": messages, "statuses": statuses}
    given = {name: list(items) for name, items in lists.items() if items}
    around = {"messaging_product": "whatsapp"} | ({"metadata": metadata} if metadata else {})
    return {"field": field, "value": around | given | value}


def notification(*changes: Json, waba: str = WABA) -> Json:
    """A whole body of one entry."""
    return {"object": "whatsapp_business_account", "entry": [{"id": waba, "changes": list(changes)}]}


def message_body(*messages: Any, **more: Any) -> Json:
    """A body of one change that holds these messages."""
    return notification(change(messages=messages, **more))


def status_body(*statuses: Any, **more: Any) -> Json:
    """A body of one change that holds these reports."""
    return notification(change(statuses=statuses, **more))


def echo_body(*echoes: Any) -> Json:
    """A body of one change that holds echoes."""
    return notification(change(field="smb_message_echoes", message_echoes=list(echoes)))


def to_bytes(body: Any) -> bytes:
    """JSON as Meta writes it: no spaces, everything outside ASCII escaped."""
    return body if isinstance(body, bytes) else json.dumps(body, separators=(",", ":")).encode()
