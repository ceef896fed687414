"""Counts that are updated as things happen, because counting a million rows for a request is too slow."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Double, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Sequence, UtcDateTime


class Traffic(Base):
    """How often `what` happened with one number in the minute, hour or day (`seconds` long) that begins at `starts_at`.

    `took` is the sum of the durations in seconds, `longest` the longest of them. `phone_number_id` is "" for none.
    """

    __tablename__ = "traffic"

    seconds: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    phone_number_id: Mapped[str] = mapped_column(Text, primary_key=True)
    what: Mapped[str] = mapped_column(Text, primary_key=True)
    times: Mapped[int] = mapped_column(Sequence)
    took: Mapped[float] = mapped_column(Double)
    longest: Mapped[float] = mapped_column(Double)


class LatencyCount(Base):
    """How many durations of one kind fell into one bucket, in the minute, hour or day that begins at `starts_at`.

    `what` and the bounds of the buckets are in `domain.latencies`; the other columns are as in `Traffic`.
    """

    __tablename__ = "latencies"

    seconds: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    phone_number_id: Mapped[str] = mapped_column(Text, primary_key=True)
    what: Mapped[str] = mapped_column(String(16), primary_key=True)
    bucket: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    times: Mapped[int] = mapped_column(Sequence)


class CountedUpTo(Base):
    """The number of the last row of a table that is counted in `Traffic`."""

    __tablename__ = "counted_up_to"

    source: Mapped[str] = mapped_column(String(32), primary_key=True)
    place: Mapped[int] = mapped_column(Sequence)


class PricedMessages(Base):
    """The number of messages of one number and UTC day in one pricing category of Meta's. Each message counts once.

    `category` and `type` are as in Meta's `pricing` object; `billable` is 0 or 1.
    """

    __tablename__ = "priced_messages"

    phone_number_id: Mapped[str] = mapped_column(Text, primary_key=True)
    day: Mapped[str] = mapped_column(String(10), primary_key=True)
    category: Mapped[str] = mapped_column(Text, primary_key=True)
    type: Mapped[str] = mapped_column(Text, primary_key=True)
    billable: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    messages: Mapped[int] = mapped_column(Sequence)
