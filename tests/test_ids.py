from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

from app.ids import id_of, new_id


def test_it_makes_version_7_uuids_of_36_characters() -> None:
    made = new_id()

    assert uuid.UUID(made).version == 7
    assert len(made) == 36


def test_later_ids_sort_after_earlier_ones() -> None:
    made = [new_id() for _ in range(5000)]

    assert made == sorted(set(made))


def test_the_id_of_something_is_the_same_each_time_and_of_nothing_else() -> None:
    at = datetime(2026, 11, 29, tzinfo=UTC)

    made = id_of(at, 3, "message", "1", "wamid.A")

    assert uuid.UUID(made).version == 8 and uuid.UUID(made).variant == uuid.RFC_4122 and len(made) == 36
    assert made == id_of(at, 3, "message", "1", "wamid.A")
    others = [id_of(at, 3, "message", "1", "wamid.B"), id_of(at, 3, "event", "1", "wamid.A"), id_of(at, 4, "message")]
    assert made not in others and len(set(others)) == 3


def test_the_ids_of_things_sort_as_new_ones_do() -> None:
    now = datetime.now(UTC)
    made = [id_of(now, 0, "b"), id_of(now, 1, "a"), id_of(now + timedelta(milliseconds=1), 0, "a")]

    assert made == sorted(made)
    assert id_of(now - timedelta(seconds=1), 9999, "x") < new_id() < id_of(now + timedelta(minutes=1), 0, "x")
