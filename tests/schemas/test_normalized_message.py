from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

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
    "timestamp": "2021-09-30T18:00:00+00:00",
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
    "received_at": "2021-09-30T18:00:01+00:00",
    "flags": [],
}


def test_it_dumps_every_key_in_order_the_simple_six_first() -> None:
    dumped = normalized(MESSAGE)

    assert json.dumps(dumped) == json.dumps(DUMPED)


def test_it_dumps_a_mapping_with_null_for_what_the_mapping_lacks() -> None:
    dumped = NormalizedMessage().dump({"id": "0192", "contact": {"id": "c1"}, "flags": ["edited"]})

    assert list(dumped) == list(DUMPED)
    assert {key for key, value in dumped.items() if value is not None} == {"channel", "id", "contact", "flags"}
    assert dumped["contact"] == {**dict.fromkeys(DUMPED["contact"]), "id": "c1"}  # type: ignore[call-overload]


def test_contents_may_be_lists() -> None:
    dumped = normalized({"content": [{"name": {"formatted_name": "Bo Li"}}]})

    assert dumped["content"] == [{"name": {"formatted_name": "Bo Li"}}]


def test_a_message_may_be_with_nobody() -> None:
    assert normalized({"contact": None, "group_id": "Y2FwaV9n"})["contact"] is None
