"""What is pruned: for each kind, its setting, and how rows are found and deleted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.config.settings import Config
from app.store import retention
from app.store.retention import Found


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of data. `find` reads what is older than a time, after a place; `prune` deletes what was found."""

    name: str
    days: Callable[[Config], int]
    find: Callable[[Session, str, datetime, int], Found]
    prune: Callable[[Session, list[Any]], None]


KINDS = (
    Kind(
        "notifications",
        lambda config: config.retention_notifications_days,
        retention.find_raw,
        retention.prune_raw,
    ),
    Kind(
        "messages",
        lambda config: config.retention_messages_days,
        retention.find_contents,
        retention.prune_contents,
    ),
    Kind(
        "media",
        lambda config: config.retention_media_days,
        retention.find_media,
        retention.prune_media,
    ),
    Kind(
        "uploads",
        lambda config: config.retention_uploads_days,
        retention.find_uploads,
        retention.prune_uploads,
    ),
    Kind(
        "send_attempts",
        lambda config: config.retention_attempts_days,
        retention.find_send_attempts,
        retention.prune_send_attempts,
    ),
    Kind(
        "delivery_attempts",
        lambda config: config.retention_attempts_days,
        retention.find_delivery_attempts,
        retention.prune_delivery_attempts,
    ),
    Kind(
        "events",
        lambda config: config.retention_events_days,
        retention.find_events,
        retention.prune_events,
    ),
    Kind(
        "audit",
        lambda config: config.retention_audit_days,
        retention.find_audit,
        retention.prune_audit,
    ),
)
