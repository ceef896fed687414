"""The queue of sends, and the limiters of numbers and of their recipients."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Id, JsonColumn, UtcDateTime


class QueuedSend(Base):
    """A message that waits to be sent. The row is deleted when the message's next attempt starts, or is cancelled.

    `rank` is the rank of its priority (0 `reply`, 1 `normal`, 2 `bulk`), `attempt` the number of the next attempt,
    `refusals` how often Meta refused it for the moment. `wanted_at` is the time from which it was to be sent first,
    `due_at` when it may be tried next. `request_id` is that of the request that queued it. `media` holds Meta's ids of
    the message's files by our ids, or by links, in its content.
    """

    __tablename__ = "queued_sends"
    __table_args__ = (
        Index("ix_queued_sends_turn", "phone_number_id", "rank", "due_at", "message_id"),
        Index("ix_queued_sends_due_at", "due_at"),
        Index("ix_queued_sends_expires_at", "expires_at"),
        Index("ix_queued_sends_batch_id", "batch_id"),
    )

    message_id: Mapped[str] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True)
    phone_number_id: Mapped[str] = mapped_column(Text)
    recipient: Mapped[str] = mapped_column(Text)
    rank: Mapped[int] = mapped_column("lane", key="rank")
    attempt: Mapped[int]
    refusals: Mapped[int] = mapped_column(default=0)
    wanted_at: Mapped[datetime] = mapped_column(UtcDateTime)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    batch_id: Mapped[str | None] = mapped_column(Id)
    request_id: Mapped[str | None] = mapped_column(String(64))
    media: Mapped[dict[str, str] | None] = mapped_column(JsonColumn)


class Batch(Base):
    """Several sends that are paused, resumed and cancelled together. `state` is `running`, `paused` or `cancelled`."""

    __tablename__ = "batches"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    name: Mapped[str | None] = mapped_column(Text)
    phone_number_id: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class NumberLimit(Base):
    """How fast a number may send, for all processes together: whoever locks the row assigns the next slots.

    `next_slot_at` is the first free slot. `share` is the used part of its rate; it is lowered after Meta refused a
    message as one too many. `ambiguous_failures` counts the ambiguous results in a row, the first at
    `ambiguous_since`. From two on the breaker is open: nothing is sent, and Meta is probed at `probe_at`; without that
    time it is half-open, and one message is sent. `paused_for` says why nothing is sent before `paused_until`: `rate`,
    `checking` (Meta refused the token and is to be probed) or `auth` (the probe confirmed it); a token pause ends when
    the number's token no longer has `token_hash`. `proven_token` is the hash of the token of the last accepted message.
    `bulk_stopped_by` is Meta's code that stopped sends of priority `bulk` until somebody resumes a batch.
    """

    __tablename__ = "number_paces"

    phone_number_id: Mapped[str] = mapped_column(Text, primary_key=True)
    next_slot_at: Mapped[datetime] = mapped_column("next_turn_at", UtcDateTime, key="next_slot_at")
    inbound_counted_at: Mapped[datetime] = mapped_column(UtcDateTime)
    share: Mapped[float] = mapped_column(default=1.0)
    share_changed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ambiguous_failures: Mapped[int] = mapped_column("doubts", key="ambiguous_failures", default=0)
    probe_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    paused_for: Mapped[str | None] = mapped_column(String(16))
    paused_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    token_hash: Mapped[str | None] = mapped_column(String(64))
    bulk_stopped_by: Mapped[int | None]
    proven_token: Mapped[str | None] = mapped_column(String(64))
    ambiguous_since: Mapped[datetime | None] = mapped_column("in_doubt_since", UtcDateTime, key="ambiguous_since")


class RecipientLimit(Base):
    """How fast a number may send to one recipient: `paid_until` is the theoretical arrival time of the GCRA.

    `address` is another form of the recipient's number, which Meta accepted after it refused the usual form.
    """

    __tablename__ = "pair_paces"
    __table_args__ = (Index("ix_pair_paces_paid_until", "paid_until"),)

    phone_number_id: Mapped[str] = mapped_column(Text, primary_key=True)
    recipient: Mapped[str] = mapped_column(Text, primary_key=True)
    paid_until: Mapped[datetime] = mapped_column(UtcDateTime)
    address: Mapped[str | None] = mapped_column(Text)
