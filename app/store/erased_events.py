"""The data of an event after its person was erased: all keys of its type, without personal values.

The keys stay because apps rely on them: an event without them would break an app that reads old events.
"""

from __future__ import annotations

from typing import Any

ERASED = "[erased]"

_KEPT = frozenset(
    "channel timestamp message_type id direction phone_number_id status source received_at pricing flags group_id"
    " handled_by reason category value detail field waba_id phone_number_ids".split()
)
"""Keys whose values are kept: times, types and states, but neither persons nor contents."""

_NOTHING: dict[str, Any] = {"message": ERASED, "content": {}}
"""Replacements for keys that must not be null."""


def erased_data(kind: str, data: dict[str, Any]) -> dict[str, Any]:
    """Return an event's data without personal values and with `erased` set to true. `kind` is the event's type."""
    if kind == "message.status":
        told = data.get("status") or {}
        status = {name: value if name in _KEPT else None for name, value in told.items()}
        return {"message": None, "status": status, "erased": True}
    if kind in ("message.received", "message.sent"):
        kept = {name: value if name in _KEPT else _NOTHING.get(name) for name, value in data.items()}
        return {**kept, "erased": True}
    if "field" in data:  # the value is Meta's JSON, which may contain names anywhere
        return {**data, "value": {}, "erased": True}
    return {**{name: value if name in _KEPT else None for name, value in data.items()}, "erased": True}
