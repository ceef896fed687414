"""Messages in both directions, the tries it took to send one, and every status Meta reported."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Id, JsonColumn, Sequence, UtcDateTime


class Message(Base):
    """One message. `id` is ours; `wamid` is Meta's, unknown until Graph has answered a send.

    Of a send we also keep its `mode`, Meta's other top-level fields as `options`, the `batch_id` it belongs to,
    and while it is `held`, what for (`domain.holding`).
    """

    __tablename__ = "messages"
    __table_args__ = (
        UniqueConstraint("wamid", "phone_number_id"),
        Index("ix_messages_timestamp_id", "timestamp", "id"),
        # Of the few that have one; the many cost nothing on their way in.
        Index(
            "ix_messages_batch_id_timestamp_id",
            "batch_id",
            "timestamp",
            "id",
            sqlite_where=text("batch_id IS NOT NULL"),
            postgresql_where=text("batch_id IS NOT NULL"),
        ),
        Index(
            "ix_messages_batch_id_status",
            "batch_id",
            "status",
            sqlite_where=text("batch_id IS NOT NULL"),
            postgresql_where=text("batch_id IS NOT NULL"),
        ),
        Index("ix_messages_contact_id_timestamp_id", "contact_id", "timestamp", "id"),
        # A list with any filter is read newest first from one of these, and from no further back than it must.
        Index(
            "ix_messages_direction_phone_number_id_timestamp_id", "direction", "phone_number_id", "timestamp", "id"
        ),
        # This one tells type and number, too, so that messages of few of a status are passed over without reading them.
        Index(
            "ix_messages_status_with_type_and_number",
            "status",
            "direction",
            "timestamp",
            "id",
            "message_type",
            "phone_number_id",
        ),
        Index("ix_messages_message_type_direction_timestamp_id", "message_type", "direction", "timestamp", "id"),
        # Of the few that somebody has to look at.
        Index(
            "ix_messages_unknown_number_received_at",
            "received_at",
            sqlite_where=text("flags LIKE '%unknown_number%'"),
            postgresql_where=text("flags @> '[\"unknown_number\"]'"),
        ),
        # What we last said to somebody, which is asked for with everything they say.
        Index(
            "ix_messages_last_outbound",
            "contact_id",
            "phone_number_id",
            "timestamp",
            sqlite_where=text("direction = 'outbound'"),
            postgresql_where=text("direction = 'outbound'"),
        ),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    direction: Mapped[str] = mapped_column(String(8))
    phone_number_id: Mapped[str] = mapped_column(Text)
    wamid: Mapped[str | None] = mapped_column(Text)
    contact_id: Mapped[str | None] = mapped_column(ForeignKey("contacts.id"))
    sender: Mapped[str | None] = mapped_column(Text)
    recipient: Mapped[str | None] = mapped_column(Text)
    message_type: Mapped[str] = mapped_column(Text)
    message: Mapped[str] = mapped_column(Text)
    content: Mapped[Any] = mapped_column(JsonColumn)
    context: Mapped[dict[str, Any] | None] = mapped_column(JsonColumn)
    referral: Mapped[dict[str, Any] | None] = mapped_column(JsonColumn)
    group_id: Mapped[str | None] = mapped_column(Text)
    timestamp: Mapped[datetime] = mapped_column(UtcDateTime)
    status: Mapped[str] = mapped_column(Text)
    error: Mapped[dict[str, Any] | None] = mapped_column(JsonColumn)
    pricing: Mapped[dict[str, Any] | None] = mapped_column(JsonColumn)
    callback_data: Mapped[str | None] = mapped_column(Text)
    mode: Mapped[str | None] = mapped_column(String(8))
    options: Mapped[dict[str, Any] | None] = mapped_column(JsonColumn)
    batch_id: Mapped[str | None] = mapped_column(Id)
    held_for: Mapped[str | None] = mapped_column(String(16))
    source: Mapped[str] = mapped_column(String(16))
    flags: Mapped[list[str]] = mapped_column(JsonColumn)
    notification_id: Mapped[str | None] = mapped_column(Id)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class MergedMessage(Base):
    """An echo that turned out to be a send of ours: its id, by which an app may know it, and the send's."""

    __tablename__ = "merged_messages"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    message_id: Mapped[str] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), index=True)


class SendAttempt(Base):
    """One try at sending a message. `state` is `sending`, `accepted`, `refused` or `unknown`."""

    __tablename__ = "send_attempts"
    __table_args__ = (
        UniqueConstraint("message_id", "number"),
        Index("ix_send_attempts_state_started_at", "state", "started_at"),
    )

    id: Mapped[int] = mapped_column(Sequence, primary_key=True)
    message_id: Mapped[str] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"))
    number: Mapped[int]
    state: Mapped[str] = mapped_column(String(16))
    wamid: Mapped[str | None] = mapped_column(Text, index=True)
    error: Mapped[dict[str, Any] | None] = mapped_column(JsonColumn)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class StatusReport(Base):
    """One status as Meta reported it, kept whether or not it moved the message. No message yet: it waits for one."""

    __tablename__ = "status_reports"
    __table_args__ = (UniqueConstraint("wamid", "status", "participant", "phone_number_id"),)

    id: Mapped[int] = mapped_column(Sequence, primary_key=True)
    wamid: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    participant: Mapped[str] = mapped_column(Text)
    phone_number_id: Mapped[str] = mapped_column(Text)
    message_id: Mapped[str | None] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), index=True)
    timestamp: Mapped[datetime] = mapped_column(UtcDateTime)
    error: Mapped[dict[str, Any] | None] = mapped_column(JsonColumn)
    pricing: Mapped[dict[str, Any] | None] = mapped_column(JsonColumn)
    callback_data: Mapped[str | None] = mapped_column(Text)
    notification_id: Mapped[str | None] = mapped_column(Id)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)


class MessageRevision(Base):
    """An edit or a revocation, as Meta told it. No message yet: it waits for one.

    `wamid` is the revision's own. `said` is what the message says from then on and `previous` what it said before, each
    with `message_type`, `message` and `content`; a revocation has neither of its own.
    """

    __tablename__ = "message_revisions"
    __table_args__ = (UniqueConstraint("wamid", "phone_number_id"),)

    id: Mapped[int] = mapped_column(Sequence, primary_key=True)
    wamid: Mapped[str] = mapped_column(Text)
    original_wamid: Mapped[str] = mapped_column(Text, index=True)
    phone_number_id: Mapped[str] = mapped_column(Text)
    message_id: Mapped[str | None] = mapped_column(Id, index=True)
    contact_id: Mapped[str | None] = mapped_column(Id, index=True)
    revoked: Mapped[bool]
    timestamp: Mapped[datetime] = mapped_column(UtcDateTime)
    said: Mapped[dict[str, Any] | None] = mapped_column(JsonColumn)
    previous: Mapped[dict[str, Any] | None] = mapped_column(JsonColumn)
    notification_id: Mapped[str | None] = mapped_column(Id)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
