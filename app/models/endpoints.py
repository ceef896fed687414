"""Endpoints, deliveries to them, and the attempts at these deliveries."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, false, text, true
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Id, JsonColumn, Sequence, UtcDateTime

IS_PENDING = text("state = 'pending'")
IS_UNFINISHED_OF_CONTACT = text("finished_at IS NULL AND contact_id IS NOT NULL")
IS_UNFINISHED_MEMBER = text("finished_at IS NULL AND carried_by IS NOT NULL")
IS_UNDELIVERED = text("state IN ('dead', 'stale')")


class Endpoint(Base):
    """One of the user's apps at a URL, with its settings and the state of its breaker. Secrets are stored encrypted.

    A Python handler is an endpoint, too: its `format` is that of handlers, its `url` is the handler's name, and nothing
    is signed. Rows of removed endpoints stay, because deliveries refer to them.
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
    """One event owed to one endpoint. Inserted in the transaction of the event.

    A worker may claim it from `due_at` on. While it is claimed (`claim_id`, since `claimed_at`), `due_at` is the end of
    the lease. Ids ascend in the order of events. A replay is a row of its own, or a dead row that is pending again. A
    member of a batch has the leader's id in `carried_by`, and no `due_at`.

    While `blocks` is true, later deliveries of the contact wait for it: status events for status events, all others for
    all others. `refused`: the app answered and did not accept this event; it is retried after a pause only.

    `finished_at` is None exactly while `state` is `pending`. Indexes use the one or the other on purpose: a query can
    use a partial index only if it says the index's condition. So one that finds deliveries by contact, by leader or by
    id says `finished_at IS NULL`, and cannot be answered by a walk through all that are due: PostgreSQL would choose
    that while its statistics are those of an empty queue.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        Index("ix_deliveries_due", "endpoint_id", "is_replay", "due_at", "id", sqlite_where=IS_PENDING,
              postgresql_where=IS_PENDING),
        Index("ix_deliveries_unfinished_contact_id", "contact_id", "id", sqlite_where=IS_UNFINISHED_OF_CONTACT,
              postgresql_where=IS_UNFINISHED_OF_CONTACT),
        Index("ix_deliveries_undelivered", "endpoint_id", "state", "id", sqlite_where=IS_UNDELIVERED,
              postgresql_where=IS_UNDELIVERED),
        Index("ix_deliveries_event_id", "event_id"),
        Index("ix_deliveries_unfinished_carried_by", "carried_by", sqlite_where=IS_UNFINISHED_MEMBER,
              postgresql_where=IS_UNFINISHED_MEMBER),
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
    """One attempt at a delivery. `status` is the HTTP status; None without an answer, and `error` then is the reason.

    `note` is the reason why an accepted answer was not, or not completely, sent to the customer.
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
