"""Sends that wait for their turn, and how fast turns may come: for a number, and for each of its recipients."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Id, UtcDateTime


class QueuedSend(Base):
    """A message that waits to leave. The row goes when the message's next try begins, or it is given up.

    `lane` is who goes first (0 `reply`, 1 `normal`, 2 `bulk`), `attempt` the number of the next try, `refusals` how
    often Meta has said "not now". `wanted_at` is when it was first meant to go, `due_at` when it may next be looked at.
    `request_id` is of the request that asked for it.
    """

    __tablename__ = "queued_sends"
    __table_args__ = (
        Index("ix_queued_sends_turn", "phone_number_id", "lane", "due_at", "message_id"),
        Index("ix_queued_sends_due_at", "due_at"),
        Index("ix_queued_sends_expires_at", "expires_at"),
        Index("ix_queued_sends_batch_id", "batch_id"),
    )

    message_id: Mapped[str] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True)
    phone_number_id: Mapped[str] = mapped_column(Text)
    recipient: Mapped[str] = mapped_column(Text)
    lane: Mapped[int]
    attempt: Mapped[int]
    refusals: Mapped[int] = mapped_column(default=0)
    wanted_at: Mapped[datetime] = mapped_column(UtcDateTime)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    batch_id: Mapped[str | None] = mapped_column(Id)
    request_id: Mapped[str | None] = mapped_column(String(64))


class Batch(Base):
    """Many sends with one handle. `state` is `running`, `paused` or `cancelled`."""

    __tablename__ = "batches"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    name: Mapped[str | None] = mapped_column(Text)
    phone_number_id: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class NumberPace(Base):
    """How fast a number may send, shared by all processes: who locks the row gives out the next turns.

    `share` of its rate is used, less after Meta said that it was too fast. `doubts` counts outcomes in a row after
    which nobody could say whether Meta still takes messages, the first `in_doubt_since`; then nothing leaves, and Meta
    is asked at `probe_at`. Without that time one message may leave, which shows whether Meta takes it.
    `paused_for` says why nothing leaves before `paused_until`: `rate`, `checking` (Meta refused the token and is to be
    asked about the number) or `auth` (it said so); over when the token is no longer the one with `token_hash`.
    `proven_token` is the hash of the token with which a message last went.
    `bulk_stopped_by` is Meta's code that stopped campaigns until somebody resumes one.
    """

    __tablename__ = "number_paces"

    phone_number_id: Mapped[str] = mapped_column(Text, primary_key=True)
    next_turn_at: Mapped[datetime] = mapped_column(UtcDateTime)
    inbound_counted_at: Mapped[datetime] = mapped_column(UtcDateTime)
    share: Mapped[float] = mapped_column(default=1.0)
    share_changed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    doubts: Mapped[int] = mapped_column(default=0)
    probe_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    paused_for: Mapped[str | None] = mapped_column(String(16))
    paused_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    token_hash: Mapped[str | None] = mapped_column(String(64))
    bulk_stopped_by: Mapped[int | None]
    proven_token: Mapped[str | None] = mapped_column(String(64))
    in_doubt_since: Mapped[datetime | None] = mapped_column(UtcDateTime)


class PairPace(Base):
    """How fast a number may write to one recipient: `paid_until` is when what was sent so far is paid back.

    `address` is another way of writing the recipient's number, which Meta took when it refused the usual one.
    """

    __tablename__ = "pair_paces"
    __table_args__ = (Index("ix_pair_paces_paid_until", "paid_until"),)

    phone_number_id: Mapped[str] = mapped_column(Text, primary_key=True)
    recipient: Mapped[str] = mapped_column(Text, primary_key=True)
    paid_until: Mapped[datetime] = mapped_column(UtcDateTime)
    address: Mapped[str | None] = mapped_column(Text)
