"""Notifications of Meta as received, and their items that were set aside."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, LargeBinary, String, Text, false, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Id, JsonColumn, Sequence, UtcDateTime


class Notification(Base):
    """One POST body, byte for byte. `state` is `pending`, `processed`, `parked` or `quarantined`.

    After processing, `items` is the number of its items and `books` are their tallies: by number ("" for none), how
    many are `processed`, `duplicate`, `parked` and `quarantined`. `is_pruned`: some of its events were deleted by
    retention, so they can no longer be compared with the tallies.
    """

    __tablename__ = "notifications"
    __table_args__ = (
        # Partial: few notifications are set aside, and an insert of any other does not write to this index.
        Index(
            "ix_notifications_state_id",
            "state",
            "id",
            sqlite_where=text("state IN ('parked', 'quarantined')"),
            postgresql_where=text("state IN ('parked', 'quarantined')"),
        ),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    verified_by: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(16))
    request_id: Mapped[str] = mapped_column(String(64))
    processed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reason: Mapped[str | None] = mapped_column(Text)
    items: Mapped[int | None]
    is_pruned: Mapped[bool] = mapped_column(server_default=false())
    books: Mapped[dict[str, dict[str, int]] | None] = mapped_column(JsonColumn)


class ParkedItem(Base):
    """An item that was set aside: `parked`, it could not be read or stored; `quarantined`, it is about a number of
    another app than the one that signed it."""

    __tablename__ = "parked_items"

    id: Mapped[int] = mapped_column(Sequence, primary_key=True)
    notification_id: Mapped[str] = mapped_column(Id)
    position: Mapped[int]
    state: Mapped[str] = mapped_column(String(16))
    field: Mapped[str] = mapped_column(Text)
    phone_number_id: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (Index("uq_parked_items_notification_id_position", "notification_id", "position", unique=True),)
