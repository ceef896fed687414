"""Idempotency keys, by which a caller's retry of a request is recognised."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Id, UtcDateTime


class IdempotencyKey(Base):
    """A caller's `Idempotency-Key` of a send, inserted in the transaction that inserts the message."""

    __tablename__ = "idempotency_keys"

    caller: Mapped[str] = mapped_column(Text, primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    fingerprint: Mapped[str] = mapped_column(Text)
    message_id: Mapped[str] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), index=True)
    forget_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class IdempotentRequest(Base):
    """A caller's `Idempotency-Key` of a request other than a single send.

    `state` is `running`, `done` (`status` and `answer` are then the response; the answer is encrypted, because it may
    contain a new secret) or `unclear` (the request ended without a response). The key of a bulk has a `batch_id`
    instead.
    """

    __tablename__ = "idempotent_requests"

    caller: Mapped[str] = mapped_column(Text, primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    fingerprint: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(16))
    status: Mapped[int | None]
    answer: Mapped[str | None] = mapped_column(Text)
    batch_id: Mapped[str | None] = mapped_column(Id)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    forget_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
