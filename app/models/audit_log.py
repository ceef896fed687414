"""The audit log: who did what, chained by hashes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Sequence, UtcDateTime

IS_UNSEALED = text("hash IS NULL")


class AuditEntry(Base):
    """One act. Inserted in the transaction of the act, and sealed by a worker shortly afterwards.

    `details` is JSON text, of which the chain holds only `commitment`: its HMAC with the key `salt`, a random value of
    this row alone. So details can be erased without breaking the chain, and without the salt nobody can guess them from
    the commitment. `place` is the position in the chain and `hash` covers the entry and the hash before it; both are
    null until the entry is sealed. See `domain.audit_chain`.
    """

    __tablename__ = "audit_entries"
    __table_args__ = (
        Index("ix_audit_entries_unsealed", "id", sqlite_where=IS_UNSEALED, postgresql_where=IS_UNSEALED),
        Index("uq_audit_entries_place", "place", unique=True),
        Index("ix_audit_entries_subject_id", "subject", "id"),
        Index("ix_audit_entries_actor_id", "actor", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Sequence, primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor: Mapped[str] = mapped_column(Text)
    act: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str] = mapped_column(Text)
    details: Mapped[str] = mapped_column(Text)
    salt: Mapped[str | None] = mapped_column(String(64))
    commitment: Mapped[str] = mapped_column(String(64))
    place: Mapped[int | None] = mapped_column(Sequence)
    hash: Mapped[str | None] = mapped_column(String(64))


class AuditHead(Base):
    """One row: the two ends of the chain. Locked by whoever seals or prunes.

    `place` and `hash` are of the last sealed entry. `base_place` and `base_hash` are of the last entry that retention
    deleted, with which the kept part of the chain begins; 0 and zeros if nothing was deleted.
    """

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    place: Mapped[int] = mapped_column(Sequence)
    hash: Mapped[str] = mapped_column(String(64))
    base_place: Mapped[int] = mapped_column(Sequence)
    base_hash: Mapped[str] = mapped_column(String(64))
