"""What is left of an event's data where the person was erased: the keys that its type has, and nobody's words.

Readers may count on those keys, whoever wrote them and whenever they read: an event without them would break an app
that reads its past.
"""

from __future__ import annotations

from typing import Any

ERASED = "[erased]"

_KEPT = frozenset(
    "channel timestamp message_type id direction phone_number_id status source received_at pricing flags group_id"
    " handled_by reason category value detail field waba_id phone_number_ids".split()
)
"""Keys that say when and what, and not who or what about."""

_NOTHING: dict[str, Any] = {"message": ERASED, "content": {}}
"""What stands in place of words, where a reader may count on some."""


def erased_data(kind: str, data: dict[str, Any]) -> dict[str, Any]:
    """The data of an event of this type, without the person; `erased` says so."""
    if kind == "message.status":
        told = data.get("status") or {}
        status = {name: value if name in _KEPT else None for name, value in told.items()}
        return {"message": None, "status": status, "erased": True}
    if kind in ("message.received", "message.sent"):
        kept = {name: value if name in _KEPT else _NOTHING.get(name) for name, value in data.items()}
        return {**kept, "erased": True}
    if "field" in data:  # as Meta wrote it, with whatever names
        return {**data, "value": {}, "erased": True}
    return {**{name: value if name in _KEPT else None for name, value in data.items()}, "erased": True}
