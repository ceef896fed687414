"""Messages in both directions, attempts to send them, status reports of Meta, and revisions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Id, JsonColumn, Sequence, UtcDateTime


class Message(Base):
    """One message. `id` is ours; `wamid` is Meta's, null until Graph has answered a send.

    `sent_by` names who asked for a send, as the audit log names actors (`person:ID`, `key:NAME`, `endpoint:ID`).

    Columns of sends only: `mode`, `options` (other top-level fields of Meta's), `batch_id`, and `held_for`, the reason
    while the status is `held` (`domain.holding`).
    """

    __tablename__ = "messages"
    __table_args__ = (
        UniqueConstraint("wamid", "phone_number_id"),
        Index("ix_messages_timestamp_id", "timestamp", "id"),
        # Partial: few messages have a batch, and an insert of any other does not write to these indexes.
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
        # A list with any filters is read newest first from one of these indexes.
        Index(
            "ix_messages_direction_phone_number_id_timestamp_id", "direction", "phone_number_id", "timestamp", "id"
        ),
        # Contains type and number, too, so that a list of a status filters by them without reading the messages.
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
        # Partial: few messages are for an unknown number.
        Index(
            "ix_messages_unknown_number_received_at",
            "received_at",
            sqlite_where=text("flags LIKE '%unknown_number%'"),
            postgresql_where=text("flags @> '[\"unknown_number\"]'"),
        ),
        # The last message sent to a contact, which is read for each inbound message.
        Index(
            "ix_messages_last_outbound",
            "contact_id",
            "phone_number_id",
            "timestamp",
            sqlite_where=text("direction = 'outbound'"),
            postgresql_where=text("direction = 'outbound'"),
        ),
        # Partial: few messages are reactions. A thread shows them on the messages that they are about.
        Index(
            "ix_messages_reactions",
            "contact_id",
            "timestamp",
            sqlite_where=text("message_type = 'reaction'"),
            postgresql_where=text("message_type = 'reaction'"),
        ),
        # Partial: few sends fail. Failures in a batch are its own business, and mark no conversation.
        Index(
            "ix_messages_failed",
            "contact_id",
            "phone_number_id",
            "timestamp",
            sqlite_where=text("status IN ('failed', 'held', 'expired') AND batch_id IS NULL"),
            postgresql_where=text("status IN ('failed', 'held', 'expired') AND batch_id IS NULL"),
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
    sent_by: Mapped[str | None] = mapped_column(Text)
    source: Mapped[str] = mapped_column(String(16))
    flags: Mapped[list[str]] = mapped_column(JsonColumn)
    notification_id: Mapped[str | None] = mapped_column(Id)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class MergedMessage(Base):
    """An echo that was merged into the send it is of: the echo's id, which apps may have stored, and the send's id."""

    __tablename__ = "merged_messages"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    message_id: Mapped[str] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), index=True)


class SendAttempt(Base):
    """One attempt to send a message. `state` is `sending`, `accepted`, `refused` or `unknown`."""

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
    """One status that Meta reported, stored even if it did not change the message's status.

    Without a `message_id` the report waits for a message with its `wamid`.
    """

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
    """An edit or a revocation that Meta reported. Without a `message_id` it waits for its message.

    `wamid` is that of the revision itself. `said` is the new and `previous` the earlier content, each an object with
    `message_type`, `message` and `content`. A revocation has no new content.
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
