"""The tag that is sent with a message and returned in Meta's statuses (`biz_opaque_callback_data`).

It names the message and the attempt, so that a status resolves a send whose response never arrived.
"""

from __future__ import annotations

import re

_TAG = re.compile(r"g1:([0-9a-f-]{36}):([0-9]{1,6})")


def make(message_id: str, attempt: int) -> str:
    """Return the tag of one attempt at a message."""
    return f"g1:{message_id}:{attempt}"


def read(tag: str | None) -> tuple[str, int] | None:
    """Return the message's id and the attempt's number; None for a text that is not one of our tags."""
    match = _TAG.fullmatch(tag or "")
    return (match[1], int(match[2])) if match else None
