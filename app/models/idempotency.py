"""What a caller's retry is recognised by."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Id, UtcDateTime


class IdempotencyKey(Base):
    """A caller's `Idempotency-Key`, written in one transaction with the message it stands for."""

    __tablename__ = "idempotency_keys"

    caller: Mapped[str] = mapped_column(Text, primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    fingerprint: Mapped[str] = mapped_column(Text)
    message_id: Mapped[str] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), index=True)
    forget_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class IdempotentRequest(Base):
    """A caller's `Idempotency-Key` on a request that is no single message.

    `state` is `running`, `done` (then `status` and `answer` are what it was answered; the answer is encrypted, since
    it may hold a new secret) or `unclear` (it ended without an answer). A bulk's key names its `batch_id` instead.
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
