"""Devices of people that get notifications by Web Push, and what each of them was told."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Id, UtcDateTime


class PushSubscription(Base):
    """A browser in which a person allowed notifications.

    `endpoint` is the address at its vendor's push service. `keys` is an encrypted JSON object with `p256dh` and `auth`,
    as the browser gave them. `session_hash` is that of the session in which it was allowed; signing out there removes
    it. `last_error` says why the last notification failed, without the address.
    """

    __tablename__ = "push_subscriptions"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    person_id: Mapped[str] = mapped_column(Id, ForeignKey("people.id", ondelete="CASCADE"), index=True)
    endpoint: Mapped[str] = mapped_column(Text, unique=True)
    keys: Mapped[str] = mapped_column(Text)
    session_hash: Mapped[str] = mapped_column(Text, index=True)
    language: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_error: Mapped[str | None] = mapped_column(Text)


class PushNotice(Base):
    """What a device was told of a conversation last: for which `waiting_since`, and when, or when it will be.

    A job `push` that sends it is written in the same transaction.
    """

    __tablename__ = "push_notices"
    __table_args__ = (UniqueConstraint("subscription_id", "conversation_id"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    subscription_id: Mapped[str] = mapped_column(Id, ForeignKey("push_subscriptions.id", ondelete="CASCADE"))
    conversation_id: Mapped[str] = mapped_column(Id, ForeignKey("conversations.id", ondelete="CASCADE"), index=True)
    waiting_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    told_at: Mapped[datetime] = mapped_column(UtcDateTime)
