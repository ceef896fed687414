"""Work to be done later: written with what it is about, in one transaction."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Id, Sequence, UtcDateTime


class Job(Base):
    """One piece of work, deleted when it is done.

    `due_at` is when a worker may next take it: its time, or, while it is claimed, the end of the lease. A worker that
    dies thus gives its jobs back by doing nothing. Every write on behalf of a job names its `claim_id`. `order_keys`
    (see `domain.order_keys`) say which earlier jobs must be done before; None: none.
    """

    __tablename__ = "jobs"
    __table_args__ = (Index("ix_jobs_kind_due_at", "kind", "due_at"),)

    id: Mapped[int] = mapped_column(Sequence, primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    subject_id: Mapped[str] = mapped_column(Id)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    claim_id: Mapped[str | None] = mapped_column(Id)
    attempts: Mapped[int] = mapped_column(default=0)
    request_id: Mapped[str | None] = mapped_column(String(64))
    order_keys: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class WorkerSeen(Base):
    """A worker process that is, or was, alive: when it last said so, where, and how much its clock was ahead.

    `joined_at` is since when it has been alive without a break. `settings` is a JSON object: by name, the hashes of the
    settings that all workers must share. The last three are the limits of sending that its settings ask for. They are
    None in rows that an earlier release wrote.
    """

    __tablename__ = "workers"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    host: Mapped[str | None] = mapped_column(Text)
    clock_ahead_seconds: Mapped[float | None]
    joined_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    settings: Mapped[str | None] = mapped_column(Text)
    messages_per_second: Mapped[float | None]
    resends_unknown: Mapped[bool | None]
    unknown_send_seconds: Mapped[int | None]


class WebSeen(Base):
    """A web process that is, or was, alive: since when, when it last said so, where, and the hashes of its settings."""

    __tablename__ = "web_processes"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    joined_at: Mapped[datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    host: Mapped[str] = mapped_column(Text)
    settings: Mapped[str] = mapped_column(Text)
