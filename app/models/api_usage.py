"""The last known use of Graph's rate limits."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, UtcDateTime


class SeenUsage(Base):
    """The last use, in percent, that Graph reported for an app, or for a business account and one kind of calls.

    `waba_id` is "" in the row of an app. `minutes_to_wait` is in minutes.
    """

    __tablename__ = "api_usage"

    app: Mapped[str] = mapped_column(Text, primary_key=True)
    waba_id: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    call_count: Mapped[int]
    total_cputime: Mapped[int]
    total_time: Mapped[int]
    minutes_to_wait: Mapped[int]
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
