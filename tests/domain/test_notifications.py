from __future__ import annotations

import pytest

from app.domain.notifications import Person


@pytest.mark.parametrize(
    ("person", "expected"),
    [
        (Person(wa_id="34600111222"), True),
        (Person(user_id="ES.44"), True),
        (Person(parent_user_id="ES.ENT.44"), True),
        (Person(username="ana.shop", name="Ana"), False),
        (Person(wa_id=""), False),
    ],
)
def test_only_ids_identify_a_person(person: Person, expected: bool) -> None:
    assert person.is_known is expected
