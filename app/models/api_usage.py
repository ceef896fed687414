"""How much of Graph's quota was used when it last said so."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, UtcDateTime


class SeenUsage(Base):
    """What Graph said last of an app, or ("" for none) of a business account and one kind of calls: percents."""

    __tablename__ = "api_usage"

    app: Mapped[str] = mapped_column(Text, primary_key=True)
    waba_id: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    call_count: Mapped[int]
    total_cputime: Mapped[int]
    total_time: Mapped[int]
    minutes_to_wait: Mapped[int]
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
