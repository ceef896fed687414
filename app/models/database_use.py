"""Whether this database is the one that is in use."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Id, UtcDateTime


class DatabaseUse(Base):
    """One row, written by workers every few seconds, by which a copy is told from the database it was made of.

    `epoch` names the database and all its copies. `beats` counts upwards, so that a copy that is put back counts less
    than what was known before. `is_stopped`: the last worker ended in order, at `beat_at`.
    """

    __tablename__ = "database_use"

    id: Mapped[int] = mapped_column(primary_key=True)
    epoch: Mapped[str] = mapped_column(Id)
    beats: Mapped[int] = mapped_column(BigInteger)
    beat_at: Mapped[datetime] = mapped_column(UtcDateTime)
    is_stopped: Mapped[bool]
