"""Trial webhooks of the gateway's own: they tell what arrived, and nobody else can make them."""

from __future__ import annotations

import hashlib
import time
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.db.database import Database
from app.security import probes
from app.security.meta_signatures import sign_meta
from tests.conftest import APP_SECRET, SETTINGS, on_sqlite

pytestmark = on_sqlite
BODY = b'{"object":"whatsapp_business_account","entry":[]}'
KEY = SETTINGS["SECRET_KEY"]


def post(client: FlaskClient, probe: str, signature: str | None) -> Any:
    headers = {probes.HEADER: probe} | ({"X-Hub-Signature-256": signature} if signature else {})
    return client.post("/webhook/whatsapp", data=BODY, headers=headers)


@pytest.mark.parametrize(
    ("signature", "told"),
    [(sign_meta(APP_SECRET, BODY), "valid"), (sign_meta("another-app-secret", BODY), "wrong"), (None, "missing")],
)
def test_a_trial_is_answered_and_not_stored(
    client: FlaskClient, database: Database, signature: str | None, told: str
) -> None:
    answer = post(client, probes.make(KEY, BODY, time.time()), signature)

    assert (answer.status_code, answer.get_json()["status"], answer.get_json()["signature"]) == (200, "probe", told)
    assert answer.get_json()["bytes"] == len(BODY)
    assert count(database) == 0


@pytest.mark.parametrize("probe", ["", "x", probes.make("another-secret-key", BODY, time.time()),
                                   probes.make(KEY, BODY, time.time() - 61)])  # fmt: skip
def test_what_we_did_not_make_lately_is_a_webhook_like_any_other(
    client: FlaskClient, database: Database, probe: str
) -> None:
    assert post(client, probe, None).status_code == 401
    assert post(client, probe, sign_meta(APP_SECRET, BODY)).get_json() == {"status": "ok"}
    assert count(database) == 1


def test_the_header_of_a_trial_makes_no_other_body_one(client: FlaskClient, database: Database) -> None:
    """Who has seen a trial can neither have another webhook dropped with it, nor learn more than what he sent."""
    probe = probes.make(KEY, b"another body", time.time())

    changed, signed = post(client, probe, "sha256=" + "0" * 64), post(client, probe, sign_meta(APP_SECRET, BODY))

    told = {"status": "probe", "signature": "wrong", "sha256": hashlib.sha256(BODY).hexdigest(), "bytes": len(BODY)}
    assert (changed.status_code, changed.get_json()) == (200, told)
    assert (signed.status_code, signed.get_json()) == (200, {"status": "ok"})
    assert count(database) == 1


def test_what_only_flask_takes_for_a_webhook_is_not_answered_as_a_trial(
    client: FlaskClient, database: Database
) -> None:
    """Some servers pass a method on as it was written, and Flask's routing reads it without regard to case."""

    def post_in_lower_case(signature: str) -> Any:
        headers = {"X-Hub-Signature-256": signature}
        lower = {"REQUEST_METHOD": "post"}
        return client.post("/webhook/whatsapp", data=BODY, headers=headers, environ_overrides=lower)

    assert post_in_lower_case(sign_meta("another-app-secret", BODY)).status_code == 401
    assert post_in_lower_case(sign_meta(APP_SECRET, BODY)).get_json() == {"status": "ok"}
    assert count(database) == 1


def count(database: Database) -> int:
    with database.read() as session:
        return int(session.connection().exec_driver_sql("SELECT count(*) FROM notifications").scalar() or 0)
