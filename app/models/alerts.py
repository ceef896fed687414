"""Alerts: problems that a person must know about."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Id, JsonColumn, UtcDateTime


class Alert(Base):
    """One problem, from the time it was found until the time it was over.

    `subject` is the number, endpoint or other thing concerned ("" if the kind has only one); a subject has at most one
    open alert of a kind. `count` is how often the alert was raised, `last_raised_at` the last time of these, and
    `notified_at` the time of the last notification.
    """

    __tablename__ = "alerts"
    __table_args__ = (
        Index(
            "uq_alerts_open_kind_subject",
            "kind",
            "subject",
            unique=True,
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    kind: Mapped[str] = mapped_column(String(32))
    subject: Mapped[str] = mapped_column(Text)
    phone_number_id: Mapped[str | None] = mapped_column(Text)
    details: Mapped[dict[str, Any]] = mapped_column(JsonColumn)
    count: Mapped[int]
    first_raised_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_raised_at: Mapped[datetime] = mapped_column(UtcDateTime)
    notified_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
