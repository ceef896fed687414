"""The limits of sending in the settings. With several workers the strictest of each limit applies."""

from __future__ import annotations

from app.config.settings import Config
from app.store.workers import Limits


def limits_of(config: Config) -> Limits:
    """Return the limits in one process's settings; `store.workers.strictest` combines those of all workers."""
    return Limits(
        config.messages_per_second, config.unknown_send_policy == "resend", config.unknown_send_seconds
    )  # fmt: skip
