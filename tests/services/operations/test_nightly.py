from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete

from app.container import Gateway
from app.models import Event
from app.services.operations import NightlyBalance
from app.store import upkeep
from tests.factories import message_body, text


def test_the_books_are_audited_once_a_night_and_not_at_the_first_start(
    gateway: Gateway, receive: Callable[..., None]
) -> None:
    moment = [datetime(2026, 11, 24, 12, tzinfo=UTC)]
    one, other = (NightlyBalance(gateway.database, lambda: moment[0]) for _ in range(2))
    receive(message_body(text()))

    found = []
    for hours in (0, 14, 2, 1, 24):
        moment[0] += timedelta(hours=hours)
        found.append((one(), other()))

    assert found == [(False, False), (False, False), (True, False), (False, False), (True, False)]
    assert problems(gateway) == "0"


def test_what_it_finds_is_stored(gateway: Gateway, receive: Callable[..., None]) -> None:
    moment = [datetime(2026, 11, 24, 12, tzinfo=UTC)]
    nightly = NightlyBalance(gateway.database, lambda: moment[0])
    receive(message_body(text()))
    with gateway.database.write() as session:
        session.execute(delete(Event))
    nightly()

    moment[0] += timedelta(days=1)
    nightly()

    assert problems(gateway) == "1"


def problems(gateway: Gateway) -> str | None:
    with gateway.database.read() as session:
        row = upkeep.find(session, upkeep.BALANCE)
        return row.place if row else None
