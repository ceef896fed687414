from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from app.domain.handover import HandledBy, Handover

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
SILENCE = timedelta(hours=12)
BOT, HUMAN = HandledBy.BOT, HandledBy.HUMAN


@pytest.mark.parametrize(
    ("handover", "hours_later", "by"),
    [
        (Handover(), 0, BOT),
        (Handover(agent_at=NOON), 0, HUMAN),
        (Handover(agent_at=NOON), 11.99, HUMAN),
        (Handover(agent_at=NOON), 12, BOT),
        (Handover(agent_at=NOON, returned_at=NOON - timedelta(hours=1)), 1, HUMAN),
        (Handover(agent_at=NOON, returned_at=NOON + timedelta(hours=1)), 2, BOT),
        (Handover(returned_at=NOON), 1, BOT),
    ],
)
def test_a_person_has_a_contact_until_it_is_given_back_or_they_are_silent_for_long(
    handover: Handover, hours_later: float, by: HandledBy
) -> None:
    assert handover.handled_by(NOON + timedelta(hours=hours_later), SILENCE) is by


@pytest.mark.parametrize("clock_error", [timedelta(), timedelta(seconds=-40), timedelta(seconds=40)])
def test_the_last_wish_counts_whoevers_clock_is_wrong(clock_error: timedelta) -> None:
    handover = Handover()
    for number, to in enumerate(itertools.islice(itertools.cycle([HUMAN, BOT, BOT, HUMAN, HUMAN]), 20)):
        now = NOON + (clock_error if number % 2 else timedelta())
        handover = handover.to(to, now)
        assert handover.handled_by(now, SILENCE) is to
