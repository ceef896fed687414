"""What Meta charges for: messages by day and category."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from app.services.operations import FreeService, read_stats
from app.web.context import gateway
from app.web.inbox.house.blueprint import seen_numbers

LENGTHS = {"week": 7, "month": 30, "quarter": 90}
USUAL = "month"


@dataclass(slots=True)
class CostDay:
    """The messages of one UTC day by category: those that Meta charges for, and those that are free."""

    date: date
    billable: dict[str, int] = field(default_factory=dict)
    free: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Costs:
    """All days of a period, oldest first, and the categories that occur in it."""

    days: list[CostDay]
    categories: list[str]
    free_service: Sequence[FreeService]

    def total(self, category: str) -> tuple[int, int]:
        """Return how many messages of a category were billable, and how many free."""
        billable = sum(day.billable.get(category, 0) for day in self.days)
        return billable, sum(day.free.get(category, 0) for day in self.days)


def read_costs(length: str) -> Costs:
    """Return the costs of the last days of the numbers that the person may see: `week`, `month` or `quarter`."""
    now = gateway().now()
    count = LENGTHS.get(length, LENGTHS[USUAL])
    first = (now - timedelta(days=count - 1)).replace(hour=0, minute=0, second=0, microsecond=0)
    stats = read_stats(gateway().database, gateway().directory.current, first, now, seen_numbers(), now)
    days = {first.date() + timedelta(days=each): CostDay(first.date() + timedelta(days=each)) for each in range(count)}
    for price in stats.pricing:
        day = days.get(date.fromisoformat(price.day))
        if day is not None:
            day.billable[price.category] = day.billable.get(price.category, 0) + price.billable
            day.free[price.category] = day.free.get(price.category, 0) + price.free
    return Costs(list(days.values()), sorted({price.category for price in stats.pricing}), stats.free_service)
