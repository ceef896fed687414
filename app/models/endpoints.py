"""The user's apps, what each of them is owed, and the tries at delivering it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, false, text, true
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Id, JsonColumn, Sequence, UtcDateTime

IS_PENDING = text("state = 'pending'")
IS_CARRIED = text("state = 'pending' AND carried_by IS NOT NULL")
IS_UNDELIVERED = text("state IN ('dead', 'stale')")


class Endpoint(Base):
    """One URL of the user's, and how it has been doing. Secrets are stored encrypted.

    Or one Python handler: `format` says so, `url` is its name, and there is nothing to sign. Removed ones stay, for the
    sake of what was delivered to them.
    """

    __tablename__ = "endpoints"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    url: Mapped[str] = mapped_column(Text)
    description: Mapped[str | None] = mapped_column(Text)
    format: Mapped[str] = mapped_column(String(16))
    secret: Mapped[str] = mapped_column(Text)
    old_secret: Mapped[str | None] = mapped_column(Text)
    old_secret_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ordered: Mapped[bool]
    replies: Mapped[bool]
    paused: Mapped[bool]
    types: Mapped[list[str] | None] = mapped_column(JsonColumn)
    statuses: Mapped[list[str] | None] = mapped_column(JsonColumn)
    message_types: Mapped[list[str] | None] = mapped_column(JsonColumn)
    numbers: Mapped[list[str] | None] = mapped_column(JsonColumn)
    max_age_seconds: Mapped[int | None]
    max_per_second: Mapped[int | None]
    max_in_flight: Mapped[int | None]
    debounce_seconds: Mapped[int | None]
    batch: Mapped[int | None]
    split: Mapped[bool] = mapped_column(server_default=true())
    failures: Mapped[int]
    silences: Mapped[int] = mapped_column(server_default=text("0"))
    opens: Mapped[int]
    open_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    failing_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    disabled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    disabled_reason: Mapped[str | None] = mapped_column(Text)
    removed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Delivery(Base):
    """One event owed to one endpoint. Written in the event's own transaction.

    `due_at` is when a worker may take it: its time, or, while `claim_id` names whoever has it since `claimed_at`, the
    end of the lease.
    Ids ascend in the order of events; a replay is a row of its own, or a dead one come back. What is posted together
    with an earlier one is `carried_by` that, and has no time of its own.

    While it `blocks`, later deliveries of its contact wait for it: those of statuses for statuses, all others for all
    others. It is `refused` once the app has answered and not taken this event; then only time brings it back.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        Index("ix_deliveries_due", "endpoint_id", "is_replay", "due_at", "id", sqlite_where=IS_PENDING,
              postgresql_where=IS_PENDING),
        Index("ix_deliveries_contact", "contact_id", "id", sqlite_where=IS_PENDING, postgresql_where=IS_PENDING),
        Index("ix_deliveries_undelivered", "endpoint_id", "state", "id", sqlite_where=IS_UNDELIVERED,
              postgresql_where=IS_UNDELIVERED),
        Index("ix_deliveries_event_id", "event_id"),
        Index("ix_deliveries_carried_by", "carried_by", sqlite_where=IS_CARRIED, postgresql_where=IS_CARRIED),
        {"sqlite_autoincrement": True},
    )  # fmt: skip

    id: Mapped[int] = mapped_column(Sequence, primary_key=True)
    endpoint_id: Mapped[str] = mapped_column(ForeignKey("endpoints.id"))
    event_id: Mapped[str] = mapped_column(Id)
    contact_id: Mapped[str | None] = mapped_column(Id)
    state: Mapped[str] = mapped_column(String(16))
    is_replay: Mapped[bool]
    is_status: Mapped[bool] = mapped_column(server_default=false())
    blocks: Mapped[bool] = mapped_column(server_default=true())
    refused: Mapped[bool] = mapped_column(server_default=false())
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    claim_id: Mapped[str | None] = mapped_column(Id)
    claimed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    carried_by: Mapped[int | None] = mapped_column(Sequence)
    attempts: Mapped[int]
    reason: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class DeliveryAttempt(Base):
    """One try at delivering. `status` is the answer's, None when none came; `error` then says why.

    `note` says why an answer that was taken is not sent to the customer, or not all of it.
    """

    __tablename__ = "delivery_attempts"
    __table_args__ = (Index("ix_delivery_attempts_delivery_id", "delivery_id"),)

    id: Mapped[int] = mapped_column(Sequence, primary_key=True)
    delivery_id: Mapped[int] = mapped_column(ForeignKey("deliveries.id", ondelete="CASCADE"))
    number: Mapped[int]
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    duration_ms: Mapped[int]
    status: Mapped[int | None]
    error: Mapped[str | None] = mapped_column(Text)
    answer: Mapped[str | None] = mapped_column(Text)
    note: Mapped[str | None] = mapped_column(Text)
