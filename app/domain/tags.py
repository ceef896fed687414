"""The tag that travels with a send and comes back in Meta's statuses (`biz_opaque_callback_data`).

It names the message and the try, so that a status can settle a send whose answer never came.
"""

from __future__ import annotations

import re

_TAG = re.compile(r"g1:([0-9a-f-]{36}):([0-9]{1,6})")


def make(message_id: str, attempt: int) -> str:
    """The tag of one try at sending a message."""
    return f"g1:{message_id}:{attempt}"


def read(tag: str | None) -> tuple[str, int] | None:
    """The message's id and the try's number; None for what is no tag of ours."""
    match = _TAG.fullmatch(tag or "")
    return (match[1], int(match[2])) if match else None
