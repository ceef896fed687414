"""What was counted when it happened, so that nobody has to count a million rows later."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Double, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Sequence, UtcDateTime


class Traffic(Base):
    """How often something happened (`what`) with one number from `starts_at` on, for `seconds`: a minute, hour or day.

    Where it took time, `took` is the sum in seconds, and `longest` the longest. `phone_number_id` is "" for none.
    """

    __tablename__ = "traffic"

    seconds: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    phone_number_id: Mapped[str] = mapped_column(Text, primary_key=True)
    what: Mapped[str] = mapped_column(Text, primary_key=True)
    times: Mapped[int] = mapped_column(Sequence)
    took: Mapped[float] = mapped_column(Double)
    longest: Mapped[float] = mapped_column(Double)


class CountedUpTo(Base):
    """How far a table has been counted into `Traffic`: the number of its last counted row."""

    __tablename__ = "counted_up_to"

    source: Mapped[str] = mapped_column(String(32), primary_key=True)
    place: Mapped[int] = mapped_column(Sequence)


class PricedMessages(Base):
    """How many messages of one number and UTC day Meta put into a pricing category. Each message counts once.

    `category` and `type` are Meta's words; `billable` is 0 or 1.
    """

    __tablename__ = "priced_messages"

    phone_number_id: Mapped[str] = mapped_column(Text, primary_key=True)
    day: Mapped[str] = mapped_column(String(10), primary_key=True)
    category: Mapped[str] = mapped_column(Text, primary_key=True)
    type: Mapped[str] = mapped_column(Text, primary_key=True)
    billable: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    messages: Mapped[int] = mapped_column(Sequence)
