"""The row that distinguishes the database in use from copies of it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Id, UtcDateTime


class DatabaseUse(Base):
    """One row, updated by workers every few seconds, which distinguishes a database from an older copy of it.

    `epoch` identifies the database and all its copies. `beats` only increases, so a restored copy has a lower value
    than was seen before. `is_stopped`: the last worker ended normally, at `beat_at`.
    """

    __tablename__ = "database_use"

    id: Mapped[int] = mapped_column(primary_key=True)
    epoch: Mapped[str] = mapped_column(Id)
    beats: Mapped[int] = mapped_column(BigInteger)
    beat_at: Mapped[datetime] = mapped_column(UtcDateTime)
    is_stopped: Mapped[bool]
