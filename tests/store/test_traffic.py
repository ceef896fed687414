from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from app.db.database import Database
from app.store import traffic
from app.store.traffic import DAY, HOUR, MINUTE, TrafficCount
from tests.factories import OTHER_PNID, PNID

START = datetime(2026, 3, 1, 22, tzinfo=UTC)
HAPPENED = [
    TrafficCount(START + timedelta(hours=hour, minutes=7), PNID if hour % 3 else OTHER_PNID, "call", 1, hour, hour)
    for hour in range(60)
]
"""Over four days, of which two are whole, on a clock that is not always UTC's."""


@pytest.mark.parametrize("numbers", [None, (PNID,)])
@pytest.mark.parametrize("seconds", [MINUTE, HOUR])
def test_days_and_the_hours_around_them_say_what_hours_alone_do(
    counted: Database, seconds: int, numbers: tuple[str, ...] | None
) -> None:
    with counted.read() as session:
        for start, length in product((-30, 0, 1, 2, 3, 26, 50), (0, 1, 2, 23, 24, 25, 47, 48, 200)):
            since = (START + timedelta(hours=start)).astimezone()
            until = since + timedelta(hours=length)
            ours = [each for each in HAPPENED if numbers is None or each.phone_number_id in numbers]
            meant = [each for each in ours if since <= each.at.replace(minute=0) < until]

            found = traffic.totals(session, seconds, since, until, numbers)

            took = [each.took for each in meant]
            assert found == ({"call": (len(took), sum(took), max(took))} if took else {}), (since, until)


def test_long_times_are_read_by_the_day(counted: Database) -> None:
    since, until = START - timedelta(days=1), START + timedelta(days=30)

    spans = traffic._spans(HOUR, since, until)

    assert [seconds for seconds, _, _ in spans] == [HOUR, DAY, HOUR]
    assert spans[0][1] == since and spans[-1][2] == until
    assert all(before[2] == after[1] for before, after in zip(spans, spans[1:], strict=False))


@pytest.fixture
def counted(database: Database) -> Database:
    """What happened, counted in two portions that share an hour."""
    with database.write() as session:
        for portion in (HAPPENED[::2], HAPPENED[1::2]):
            traffic.add(session, portion)
    return database
