from __future__ import annotations

import json
import re
from typing import Any

import pytest

from app.domain.order_keys import EVERYBODY, LONGEST_LOOK, Taken, keys_of
from tests.factories import ANA, BO, DISPLAY, echo, message_body, status, status_body, text, to_bytes

BSUID = "AR.4411002200330044"


def keys(*bodies: Any) -> list[set[str]]:
    return [set((keys_of(to_bytes(body)) or "").split()) for body in bodies]


def test_what_a_contact_writes_and_what_is_reported_of_it_share_a_key() -> None:
    written, reported, other = keys(
        message_body(text(sender=ANA)), status_body(status("wamid.1", to=ANA)), message_body(text(sender=BO))
    )

    assert written & reported
    assert not (written | reported) & other


def test_both_ways_of_writing_a_number_are_one_key() -> None:
    with_nine, without = keys(message_body(text(sender="5491112345678")), message_body(text(sender="541112345678")))

    assert with_nine == without != set()


def test_a_user_id_is_a_key_where_there_is_no_number() -> None:
    both, hidden = keys(
        message_body(text(sender=ANA) | {"from_user_id": BSUID}),
        status_body({"id": "wamid.2", "status": "read", "recipient_user_id": BSUID}),
    )

    assert hidden and hidden < both


def test_the_businesss_own_number_is_nobodys_key() -> None:
    answer, sent = keys(
        message_body(text(sender=ANA) | {"context": {"from": DISPLAY, "id": "wamid.1"}}),
        message_body(echo("wamid.3", to=BO)),
    )

    assert answer == keys(message_body(text(sender=ANA)))[0]
    assert sent == keys(message_body(text(sender=BO)))[0]


def test_spaces_and_order_of_the_json_do_not_matter() -> None:
    raw = to_bytes(message_body(text(sender=ANA)))

    assert keys_of(json.dumps(json.loads(raw), indent=4).encode()) == keys_of(raw)


def test_what_somebody_writes_about_another_is_no_key() -> None:
    said = json.dumps({"from": BO})

    assert keys(message_body(text(said, sender=ANA))) == keys(message_body(text(sender=ANA)))


@pytest.mark.parametrize("raw", [b"", b"\x00\xff", b"[]", b'{"from": 5}', b'{"from"', b'"from":"'])
def test_bytes_that_name_nobody_have_none(raw: bytes) -> None:
    assert keys_of(raw) is None


def test_what_is_too_long_to_look_through_is_everybodys() -> None:
    assert keys_of(b"x" * (LONGEST_LOOK + 1)) == EVERYBODY


def test_keys_name_nobody_to_a_reader() -> None:
    assert all(re.fullmatch("[0-9a-f]{8}", key) for key in keys(message_body(text(sender=ANA)))[0])


def test_only_what_shares_a_key_waits() -> None:
    taken = Taken()
    assert not taken.blocks("a") and not taken.blocks(EVERYBODY)
    taken.add("a b")
    taken.add(None)

    assert [taken.blocks(keys) for keys in ("a", "b c", "c", None, EVERYBODY)] == [True, True, False, False, True]
    taken.add(EVERYBODY)
    assert taken.blocks("c") and not taken.blocks(None)
