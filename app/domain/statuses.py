"""The status of an outbound message, and which of Meta's reports change it."""

from __future__ import annotations

BEFORE_META = ("queued", "sending", "unknown", "held", "cancelled", "expired")
"""Statuses of messages that are not known to have reached Meta."""

_ORDER = ("accepted", "sent", "delivered", "read", "played")
_FAILABLE = ("sending", "unknown", "held", "accepted", "sent")
"""Without `queued`: there the report is about an earlier attempt, and another attempt follows."""


def movable_to(reported: str) -> tuple[str, ...]:
    """Return the statuses from which Meta's report may move a message.

    Reports come late, twice and out of order, so a message never moves back: `sent` after `read` changes nothing, and
    `failed` is final. An unknown status moves nothing; it is kept in the history.
    """
    if reported == "failed":
        return _FAILABLE
    if reported not in _ORDER:
        return ()
    return BEFORE_META + _ORDER[: _ORDER.index(reported)]


def advance(current: str, reported: str) -> str:
    """Return the status after the report."""
    return reported if current in movable_to(reported) else current
