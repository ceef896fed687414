"""Who was erased, as keyed hashes, so that an older copy of the database can forget the same people again."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, UtcDateTime


class ErasedName(Base):
    """One id of Meta's of an erased person: an HMAC of its kind and value, and when the person was last erased."""

    __tablename__ = "erased_names"

    hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    erased_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ErasureKey(Base):
    """The random key of the HMACs, encrypted with `ENCRYPTION_KEY`. One row, inserted with the first erasure."""

    __tablename__ = "erasure_key"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    wrapped: Mapped[str] = mapped_column(Text)
