"""The limits of sending that the settings ask for. Among several workers the strictest of each counts."""

from __future__ import annotations

from app.config.settings import Config
from app.store.workers import Limits


def limits_of(config: Config) -> Limits:
    """Return what one process's settings ask for; see `store.workers.strictest` for what holds."""
    return Limits(
        config.messages_per_second, config.unknown_send_policy == "resend", config.unknown_send_seconds
    )  # fmt: skip
