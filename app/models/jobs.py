"""Jobs of the workers, and the processes that are alive. A job is inserted in the transaction of its subject."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Id, JsonColumn, Sequence, UtcDateTime


class Job(Base):
    """One piece of work for a worker. The row is deleted when the work is done.

    A worker may claim it from `due_at` on. While it is claimed, `due_at` is the end of the lease, so the jobs of a dead
    worker become due by themselves. Every write for a job must name its `claim_id`. Jobs that share one of the
    `order_keys` (see `domain.order_keys`) are done in order; None: the job waits for no other.
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
    """A worker process: its host, the time at which it was last alive, and by how many seconds its clock was ahead.

    It has been alive without a break since `joined_at`. `settings` is a JSON object with the hashes, by name, of the
    settings that all workers must share. The next three columns are the limits of sending from its settings. `failing`
    are the kinds of work that fail there (see `services.operations.failing_work`). These columns are None in rows that
    an earlier release wrote.
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
    failing: Mapped[dict[str, dict[str, str]] | None] = mapped_column(JsonColumn)


class WebSeen(Base):
    """A web process: its host, since when and until when it was known to be alive, and the hashes of its settings."""

    __tablename__ = "web_processes"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    joined_at: Mapped[datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    host: Mapped[str] = mapped_column(Text)
    settings: Mapped[str] = mapped_column(Text)
