"""Everything that happened, in order: what is handed to the user's software."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Id, Sequence, UtcDateTime


class Event(Base):
    """One normalised item. `sequence` ascends in commit order; `contact_sequence` counts the events of one contact.

    `waba_id` is the business account of an event that is about no number of ours in particular.

    `data` is JSON text, made once: what a reader got today it gets next year.
    """

    __tablename__ = "events"
    __table_args__ = (
        Index("uq_events_key", "key", unique=True),
        Index("ix_events_notification_id", "notification_id"),
        Index("ix_events_message_id", "message_id"),
        Index("ix_events_contact_id_sequence", "contact_id", "sequence"),
        Index("ix_events_phone_number_id_sequence", "phone_number_id", "sequence"),
        # Of the few about an account as a whole.
        Index(
            "ix_events_waba_id_sequence",
            "waba_id",
            "sequence",
            sqlite_where=text("waba_id IS NOT NULL"),
            postgresql_where=text("waba_id IS NOT NULL"),
        ),
        # Of all but the many, which are found without.
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
