from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from app.domain.messages import ContactRef, Message
from app.domain.notifications import Source
from app.schemas.normalized_message import NormalizedMessage, normalized

EASTERN = timezone(timedelta(hours=-3))
MESSAGE = Message(
    sender="+5491112345678",
    message="Hola, necesito ayuda",
    timestamp=datetime(2021, 9, 30, 15, tzinfo=EASTERN),
    message_id="wamid.HBgN",
    message_type="text",
    id="0192",
    direction="inbound",
    phone_number_id="700100200300400",
    recipient="+15550100100",
    contact=ContactRef("c1", "5491112345678", "AR.44", name="Ana"),
    content={"body": "Hola, necesito ayuda"},
    status="received",
    source=Source.LIVE,
    received_at=datetime(2021, 9, 30, 18, 0, 1, tzinfo=UTC),
)
DUMPED = {
    "channel": "whatsapp",
    "sender": "+5491112345678",
    "message": "Hola, necesito ayuda",
    "timestamp": "2021-09-30T18:00:00Z",
    "message_id": "wamid.HBgN",
    "message_type": "text",
    "id": "0192",
    "direction": "inbound",
    "phone_number_id": "700100200300400",
    "recipient": "+15550100100",
    "contact": {
        "id": "c1",
        "wa_id": "5491112345678",
        "user_id": "AR.44",
        "parent_user_id": None,
        "username": None,
        "name": "Ana",
        "profile_name": "Ana",
    },
    "content": {"body": "Hola, necesito ayuda"},
    "context": None,
    "referral": None,
    "group_id": None,
    "status": "received",
    "error": None,
    "pricing": None,
    "callback_data": None,
    "source": "live",
    "received_at": "2021-09-30T18:00:01Z",
    "flags": [],
}


def test_it_dumps_every_key_in_order_the_simple_six_first() -> None:
    dumped = normalized(MESSAGE)

    assert json.dumps(dumped) == json.dumps(DUMPED)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"contact": None, "group_id": "Y2FwaV9n"},
        {"content": [{"name": {"formatted_name": "Bo Li"}}]},
        {"flags": ["edited"], "error": {"code": 1}, "pricing": {"billable": True}, "context": {"id": None}},
        {"sender": None, "message_id": None, "callback_data": "x", "referral": {"source_id": "1"}},
    ],
)
def test_it_dumps_what_the_schema_says(change: dict[str, Any]) -> None:
    message = replace(MESSAGE, **change)

    assert json.dumps(normalized(message)) == json.dumps(NormalizedMessage().dump(message))


def test_what_is_added_to_it_does_not_reach_the_message() -> None:
    normalized(MESSAGE)["flags"].append("edited")

    assert MESSAGE.flags == []


def test_it_dumps_a_mapping_with_null_for_what_the_mapping_lacks() -> None:
    dumped = NormalizedMessage().dump({"id": "0192", "contact": {"id": "c1"}, "flags": ["edited"]})

    assert list(dumped) == list(DUMPED)
    assert {key for key, value in dumped.items() if value is not None} == {"channel", "id", "contact", "flags"}
    assert dumped["contact"] == {**dict.fromkeys(DUMPED["contact"]), "id": "c1"}  # type: ignore[call-overload]
