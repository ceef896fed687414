from __future__ import annotations

import pytest

from app.domain.lookups import kind_of


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("wamid.HBgNNTQ5MTExMjM0NTY3OBUCABEYFDBBRjk2OUUyRjI5QzQwMUIyMTU0AA==", "message_id"),
        (" 01a20c83-9c99-716b-8b07-2a3001233244 ", "message_id"),
        ("+54 9 11 1234-5678", "contact"),
        ("(011) 4321.5678", "contact"),
        ("AR.1234567890", "contact"),
        ("pedido 4711", "q"),
        ("2026", "q"),
        ("hol*", "q"),
    ],
)
def test_a_text_is_taken_for_what_it_looks_like(text: str, kind: str) -> None:
    assert kind_of(text) == kind
