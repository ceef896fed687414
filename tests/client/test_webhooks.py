"""Signatures, against the reference implementation of Standard Webhooks."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
import standardwebhooks

from whatsapp_service_client import InvalidSignature, Webhook

SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
OTHER = "whsec_b3RoZXItb3RoZXItb3RoZXItb3RoZXItb3RoZXItb3RoZXI="
BODY = json.dumps({"id": "01a2", "type": "message.received", "data": {"message": "¿Hola?"}}).encode()
NOW = 1_790_000_000


def headers(secret: str = SECRET, at: int = NOW) -> dict[str, str]:
    moment = datetime.fromtimestamp(at, UTC)
    signature = standardwebhooks.Webhook(secret).sign("01a2", moment, BODY.decode())
    return {"Webhook-Id": "01a2", "webhook-timestamp": str(at), "WEBHOOK-SIGNATURE": signature}


def webhook(secret: str = SECRET) -> Webhook:
    return Webhook(secret, now=lambda: float(NOW))


def test_an_event_is_returned_whatever_the_case_of_the_headers() -> None:
    assert webhook().verify(BODY, headers())["type"] == "message.received"


def test_either_secret_counts_while_one_replaces_the_other() -> None:
    assert webhook(f"{OTHER}, {SECRET}").verify(BODY, headers())
    both = headers() | {"WEBHOOK-SIGNATURE": f"v1a,x v1,{'A' * 43}= {headers()['WEBHOOK-SIGNATURE']}"}
    assert webhook().verify(BODY, both)


@pytest.mark.parametrize("at", [NOW - 301, NOW + 301])
def test_what_is_too_old_or_from_the_future_is_refused(at: int) -> None:
    with pytest.raises(InvalidSignature, match="clock"):
        webhook().verify(BODY, headers(at=at))


@pytest.mark.parametrize(
    ("body", "changes", "why"),
    [
        (BODY + b" ", {}, "No signature matches"),
        (BODY, {"Webhook-Id": "another"}, "No signature matches"),
        (BODY, {"WEBHOOK-SIGNATURE": "v1,ñ"}, "No signature matches"),
        (BODY, {"WEBHOOK-SIGNATURE": ""}, "header is missing"),
        (BODY, {"webhook-timestamp": "²"}, "no number of seconds"),
    ],
)
def test_what_was_changed_is_refused_with_the_reason(body: bytes, changes: dict[str, str], why: str) -> None:
    with pytest.raises(InvalidSignature, match=why):
        webhook().verify(body, headers() | changes)


def test_another_secret_does_not_do() -> None:
    with pytest.raises(InvalidSignature):
        webhook(OTHER).verify(BODY, headers())


@pytest.mark.parametrize("secret", ["", "secret", "whsec_*", ","])
def test_a_secret_that_cannot_be_one_is_refused(secret: str) -> None:
    with pytest.raises(ValueError):
        Webhook(secret)
