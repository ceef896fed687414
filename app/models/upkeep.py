"""What periodic work of the workers has reached."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, UtcDateTime


class Upkeep(Base):
    """One kind of periodic work: the time of its last turn, and where it is to go on.

    A worker takes a turn by moving `at` forward; of several only one succeeds. `place` is the last row that was looked
    at, `skipped` the one before the first that could not be handled in this pass, where the next pass begins.
    """

    __tablename__ = "upkeep"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    place: Mapped[str | None] = mapped_column(Text)
    skipped: Mapped[str | None] = mapped_column(Text)
