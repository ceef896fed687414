from __future__ import annotations

import pytest

from app.logs.scrub import Scrubber

SECRET = "EAAG+live/token=1"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"token {SECRET} refused", "token [secret] refused"),
        ("GET /debug_token?input_token=EAAG%2Blive%2Ftoken%3D1", "GET /debug_token?input_token=[secret]"),
        ("EAAG+live/token=12345", "[secret]"),
        ("wamid.HBgNNTQ5MTExMjM0NTY3OBUCABEYEjA= sent", "[wamid] sent"),
        ("one\r\nERROR forged\x1b[2K\u2028line", "one\\r\\nERROR forged\\x1b[2K\\u2028line"),
        ("a job of 12345678 rows, ñandú 🔑", "a job of 12345678 rows, ñandú 🔑"),
        ("the database", "the database"),
    ],
)
def test_our_own_texts_lose_secrets_wamids_and_line_breaks(text: str, expected: str) -> None:
    scrubber = Scrubber([SECRET, "EAAG+live/token=12345", "data"])

    assert scrubber.ours(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("to 5491112345678 failed", "to [number] failed"),
        ("to +5491112345678, failed", "to [number], failed"),
        ("'+54 9 11 1234-5678'", "'[number]'"),
        ("+1 (555) 010-0100", "[number]"),
        ("tel=15550100100&x", "tel=[number]&x"),
        ('{"wa_id":"15550100100"}', '{"wa_id":"[number]"}'),
        ("127.0.0.1:8000 retry 1234567", "127.0.0.1:8000 retry 1234567"),
        ("2026-01-31 10:00:00.123456789", "2026-01-31 10:00:00.123456789"),
        ("01890123-4567-7890-8123-456789012345", "01890123-4567-7890-8123-456789012345"),
    ],
)
def test_other_peoples_texts_also_lose_what_may_be_a_phone_number(text: str, expected: str) -> None:
    assert Scrubber([]).foreign(text) == expected
