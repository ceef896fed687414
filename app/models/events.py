"""Events, in commit order, as they are delivered to the user's software."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Id, Sequence, UtcDateTime


class Event(Base):
    """One normalised item. `sequence` ascends in commit order, `contact_sequence` among the events of one contact.

    `waba_id` is the business account of an event that concerns the account as a whole and no single number.

    `data` is JSON text that is written once and never rendered again, so that every reader gets the same bytes.
    """

    __tablename__ = "events"
    __table_args__ = (
        Index("uq_events_key", "key", unique=True),
        Index("ix_events_notification_id", "notification_id"),
        Index("ix_events_message_id", "message_id"),
        Index("ix_events_contact_id_sequence", "contact_id", "sequence"),
        Index("ix_events_phone_number_id_sequence", "phone_number_id", "sequence"),
        # Partial: events about an account as a whole are few, and others need no entry.
        Index(
            "ix_events_waba_id_sequence",
            "waba_id",
            "sequence",
            sqlite_where=text("waba_id IS NOT NULL"),
            postgresql_where=text("waba_id IS NOT NULL"),
        ),
        # Partial: most events are `message.status`, and a list of those is read by `sequence` without this index.
        Index(
            "ix_events_type_sequence",
            "type",
            "sequence",
            sqlite_where=text("type <> 'message.status'"),
            postgresql_where=text("type <> 'message.status'"),
        ),
        {"sqlite_autoincrement": True},
    )

    sequence: Mapped[int] = mapped_column(Sequence, primary_key=True)
    id: Mapped[str] = mapped_column(Id, unique=True)
    type: Mapped[str] = mapped_column(Text)
    key: Mapped[str | None] = mapped_column(Text)
    source: Mapped[str] = mapped_column(String(16))
    phone_number_id: Mapped[str | None] = mapped_column(Text)
    waba_id: Mapped[str | None] = mapped_column(Text)
    contact_id: Mapped[str | None] = mapped_column(Id)
    contact_sequence: Mapped[int | None] = mapped_column(Sequence)
    message_id: Mapped[str | None] = mapped_column(Id)
    notification_id: Mapped[str | None] = mapped_column(Id)
    position: Mapped[int | None]
    timestamp: Mapped[datetime] = mapped_column(UtcDateTime)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    data: Mapped[str] = mapped_column(Text)
