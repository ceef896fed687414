"""What the periods of retention allow alone and not together."""

from __future__ import annotations

COMPARED = ("retention_notifications_days", "retention_messages_days", "retention_events_days")

_FOR_EVER = 1_000_000
_META_REPEATS_FOR = 8
"""Days: Meta sends a webhook that was not answered 200 again for seven."""


def contradictions(notifications: int, messages: int, events: int) -> dict[str, bool]:
    """Return, for each contradiction, whether these periods in days have it; 0 means for ever."""
    webhooks, contents, told = (days or _FOR_EVER for days in (notifications, messages, events))
    return {
        "RETENTION_MESSAGES_DAYS: must not be shorter than RETENTION_NOTIFICATIONS_DAYS, because a webhook holds the"
        " texts of its messages": contents < webhooks,
        "RETENTION_EVENTS_DAYS: must be at least 8, and not shorter than RETENTION_NOTIFICATIONS_DAYS: Meta sends a"
        " webhook again for seven days, and one that is replayed would have a second effect": (
            told < max(webhooks, _META_REPEATS_FOR)
        ),
    }
