from __future__ import annotations

import uuid

from app.ids import new_id


def test_it_makes_version_7_uuids_of_36_characters() -> None:
    made = new_id()

    assert uuid.UUID(made).version == 7
    assert len(made) == 36


def test_later_ids_sort_after_earlier_ones() -> None:
    made = [new_id() for _ in range(5000)]

    assert made == sorted(set(made))
