from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from app.security.standard_webhooks import (
    ID,
    SIGNATURE,
    TIMESTAMP,
    NotVerified,
    WrongSecret,
    headers,
    new_secret,
    read_secret,
    sign,
    verify,
)

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
VECTOR_ID, VECTOR_TIME = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330
VECTOR_BODY = b'{"test": 2432232314}'
VECTOR_SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def test_the_published_vector_comes_out() -> None:
    assert sign(SECRET, VECTOR_ID, VECTOR_TIME, VECTOR_BODY) == VECTOR_SIGNATURE
    verify(
        SECRET,
        {ID: VECTOR_ID, TIMESTAMP: str(VECTOR_TIME), SIGNATURE: VECTOR_SIGNATURE},
        VECTOR_BODY,
        now=datetime.fromtimestamp(VECTOR_TIME, UTC),
    )


@given(body=st.text(), webhook_id=st.text("abc-_0123456789", min_size=1), key=st.binary(min_size=24, max_size=64))
def test_the_library_for_receivers_signs_alike(body: str, webhook_id: str, key: bytes) -> None:
    secret = "whsec_" + base64.b64encode(key).decode()
    try:
        raw = body.encode()
    except UnicodeEncodeError:
        return

    assert sign(secret, webhook_id, int(NOW.timestamp()), raw) == Webhook(secret).sign(webhook_id, NOW, body)


def test_the_library_for_receivers_takes_what_we_sign_with_either_secret_while_rotating() -> None:
    old, new = new_secret(), new_secret()
    body = b'{"message":"\xc2\xa1Hola!"}'

    made = headers([new, old], "evt", datetime.now(UTC), body)

    for secret in (old, new):
        assert Webhook(secret).verify(body.decode(), made) == {"message": "¡Hola!"}
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify(body.decode(), made)


def test_a_receiver_of_ours_takes_what_the_library_signs() -> None:
    secret = new_secret()
    signature = Webhook(secret).sign("evt", NOW, "{}")

    verify(
        secret,
        {"Webhook-Id": "evt", "Webhook-Timestamp": str(int(NOW.timestamp())), "Webhook-Signature": signature},
        b"{}",
        now=NOW + timedelta(minutes=4),
    )


@pytest.mark.parametrize(
    ("changes", "body", "later", "reason"),
    [
        ({ID: "other"}, b"{}", 0, "no webhook-signature fits"),
        ({ID: ""}, b"{}", 0, "missing: webhook-id"),
        ({TIMESTAMP: ""}, b"{}", 0, "missing: webhook-timestamp"),
        ({TIMESTAMP: "soon"}, b"{}", 0, "not a number"),
        ({TIMESTAMP: "9" * 30}, b"{}", 0, "not a number"),
        ({}, b"{ }", 0, "no webhook-signature fits"),
        ({}, b"\xff", 0, "no webhook-signature fits"),
        ({}, b"{}", 301, "301 seconds behind"),
        ({}, b"{}", -301, "301 seconds ahead"),
        ({SIGNATURE: "v1"}, b"{}", 0, "no webhook-signature fits"),
        ({SIGNATURE: "v1,%%%"}, b"{}", 0, "no webhook-signature fits"),
        ({SIGNATURE: "v1,ñ"}, b"{}", 0, "no webhook-signature fits"),
        ({SIGNATURE: "v1a,AAAA v2,AAAA ,"}, b"{}", 0, "no webhook-signature fits"),
    ],
)
def test_what_does_not_fit_is_told_by_the_check_that_failed(
    changes: dict[str, str], body: bytes, later: int, reason: str
) -> None:
    made = headers([SECRET], "evt", NOW, b"{}") | changes

    with pytest.raises(NotVerified, match=reason):
        verify(SECRET, made, body, now=NOW + timedelta(seconds=later))


@pytest.mark.parametrize(
    "text",
    ["", "whsec_", SECRET.removeprefix("whsec_"), "whsec_c2hvcnQ=", "whsec_%%%%", "whsec_" + "A" * 200, "whsec_ñ"],
)
def test_what_is_no_secret_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(WrongSecret) as refused:
        read_secret(text)

    assert len(text) < 7 or text not in str(refused.value)


def test_new_secrets_are_long_and_never_the_same() -> None:
    made = {new_secret() for _ in range(100)}

    assert len(made) == 100
    assert {len(read_secret(secret)) for secret in made} == {32}
