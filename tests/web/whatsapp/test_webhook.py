from __future__ import annotations

import io
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask, request_started
from flask.testing import FlaskClient
from sqlalchemy import select

from app.config.settings import Config
from app.container import Gateway
from app.db.database import Database
from app.models import Job, Notification
from app.security.meta_signatures import sign_meta
from app.store import numbers, traffic
from tests.conftest import APP_SECRET, VERIFY_TOKEN, PostWebhook, on_sqlite, one_case_on_postgresql, with_settings
from tests.factories import OTHER_PNID, OTHER_WABA, PNID, message_body, text, to_bytes

pytestmark = one_case_on_postgresql

BODY = to_bytes(message_body(text("Hola")))
GOOD = sign_meta(APP_SECRET, BODY)
HEX = GOOD.removeprefix("sha256=")
FOUR_MIB = 4 * 1024 * 1024

BAD_SIGNATURES: dict[str, str | None] = {
    "missing": None,
    "empty": "",
    "blank": " ",
    "the algorithm alone": "sha256=",
    "no algorithm": HEX,
    "no algorithm but the sign": f"={HEX}",
    "uppercase hex": f"sha256={HEX.upper()}",
    "uppercase algorithm": f"SHA256={HEX}",
    "mixed case algorithm": f"Sha256={HEX}",
    "sha1": f"sha1={HEX[:40]}",
    "sha1 with a sha256": f"sha1={HEX}",
    "sha512": f"sha512={HEX}{HEX}",
    "md5": f"md5={HEX[:32]}",
    "algorithm with a hyphen": f"sha-256={HEX}",
    "another secret": sign_meta("another-secret-0123456789", BODY),
    "the secret and more": sign_meta(f"{APP_SECRET}0", BODY),
    "the secret but its last letter": sign_meta(APP_SECRET[:-1], BODY),
    "an empty secret": sign_meta("", BODY),
    "the verify token as secret": sign_meta(VERIFY_TOKEN, BODY),
    "another body": sign_meta(APP_SECRET, BODY + b" "),
    "an empty body": sign_meta(APP_SECRET, b""),
    "first digit changed": f"sha256={'0' if HEX[0] != '0' else '1'}{HEX[1:]}",
    "last digit changed": f"sha256={HEX[:-1]}{'0' if HEX[-1] != '0' else '1'}",
    "one digit short": f"sha256={HEX[:-1]}",
    "one byte short": f"sha256={HEX[:-2]}",
    "half": f"sha256={HEX[:32]}",
    "one digit long": f"sha256={HEX}0",
    "twice": f"sha256={HEX}{HEX}",
    "a list": f"sha256={HEX},sha256={HEX}",
    "a list, the good one last": f"sha256={'0' * 64}, sha256={HEX}",
    "a semicolon behind": f"sha256={HEX};",
    "a comma behind": f"sha256={HEX},",
    "quoted": f'"sha256={HEX}"',
    "a space after the sign": f"sha256= {HEX}",
    "a space before the sign": f"sha256 ={HEX}",
    "a colon for the sign": f"sha256:{HEX}",
    "0x before it": f"sha256=0x{HEX[2:]}",
    "not hex": f"sha256={'g' * 64}",
    "zeros": f"sha256={'0' * 64}",
    "a hex digit that is none": f"sha256={HEX[:-1]}\uff11".encode().decode("latin-1"),
    "base64": "sha256=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
    "separated": "sha256=" + ":".join(HEX[i : i + 2] for i in range(0, 64, 2)),
    "Meta's scheme of another product": f"t=1,v1={HEX}",
    "a word": "true",
    "a NUL inside": f"sha256={HEX[:-1]}\x00",
}


@on_sqlite
@pytest.mark.parametrize("signature", BAD_SIGNATURES.values(), ids=BAD_SIGNATURES.keys())
def test_without_a_good_signature_nothing_is_kept_and_nothing_is_told(
    client: FlaskClient, database: Database, signature: str | None
) -> None:
    environ = {} if signature is None else {"HTTP_X_HUB_SIGNATURE_256": signature}

    response = client.post("/webhook/whatsapp", data=BODY, environ_overrides=environ)

    assert response.status_code == 401
    error = response.get_json()["error"]
    assert error == {"code": "unauthenticated", "message": "Unauthorised.", "retryable": False}
    assert kept(database) == []


@on_sqlite
@pytest.mark.parametrize(
    "tampered",
    [BODY + b"\n", BODY[:-1], b" " + BODY, b"", BODY.replace(b"Hola", b"Halo"), BODY.replace(b",", b", ", 1)],
    ids=["newline behind", "cut", "space before", "empty", "text changed", "same JSON, other bytes"],
)
def test_the_signature_is_of_the_very_bytes(client: FlaskClient, database: Database, tampered: bytes) -> None:
    response = client.post("/webhook/whatsapp", data=tampered, headers={"X-Hub-Signature-256": GOOD})

    assert response.status_code == 401
    assert kept(database) == []


@on_sqlite
def test_the_old_header_of_meta_is_no_signature(client: FlaskClient, database: Database) -> None:
    response = client.post("/webhook/whatsapp", data=BODY, headers={"X-Hub-Signature": GOOD})

    assert response.status_code == 401
    assert kept(database) == []


def test_a_signed_body_is_kept_byte_for_byte_with_its_job(client: FlaskClient, database: Database) -> None:
    response = client.post(
        "/webhook/whatsapp", data=BODY, headers={"X-Hub-Signature-256": GOOD, "X-Request-ID": "from-the-router"}
    )

    assert (response.status_code, response.get_json()) == (200, {"status": "ok"})
    assert response.headers["X-Request-ID"] == "from-the-router"
    with database.read() as session:
        row = session.scalars(select(Notification)).one()
        job = session.scalars(select(Job)).one()
    assert (row.raw, row.state, row.verified_by, row.request_id) == (BODY, "pending", "default", "from-the-router")
    assert (job.kind, job.subject_id, job.request_id) == ("process", row.id, "from-the-router")


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"{", b"hello", b"\x00\xff\xfe", b"[]", b"null", b"{}", b'{"object":"page","entry":[]}',
        b'{"object":"instagram","entry":[{}]}', b"a=b&c=d", "{\"object\":\"\u00e9\"}".encode("latin-1"),
        b"[" * 100_000,
    ],
    ids=[
        "empty", "half", "word", "binary", "list", "null", "object", "page", "instagram", "form", "latin-1", "deep",
    ],
)  # fmt: skip
def test_signed_bytes_that_are_no_notification_are_kept_and_parked(
    post_webhook: PostWebhook, process_all: Callable[[], None], database: Database, raw: bytes
) -> None:
    response = post_webhook(raw)
    process_all()

    assert response.status_code == 200
    (row,) = kept(database)
    assert (row.raw, row.state, row.items, row.books) == (raw, "parked", 1, {"": {"parked": 1}})


@on_sqlite
@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "application/x-www-form-urlencoded",
                                          "multipart/form-data; boundary=x", None])  # fmt: skip
def test_the_content_type_does_not_matter(client: FlaskClient, database: Database, content_type: str | None) -> None:
    response = client.post(
        "/webhook/whatsapp", data=BODY, content_type=content_type, headers={"X-Hub-Signature-256": GOOD}
    )

    assert response.status_code == 200
    assert kept(database)[0].raw == BODY


def test_a_body_of_four_mebibytes_is_kept_and_one_byte_more_is_not(
    post_webhook: PostWebhook, database: Database
) -> None:
    largest, too_large = b" " * FOUR_MIB, b" " * (FOUR_MIB + 1)

    assert post_webhook(too_large).status_code == 413
    assert kept(database) == []
    assert post_webhook(largest).status_code == 200
    assert len(kept(database)[0].raw) == FOUR_MIB


def test_a_chunked_body_over_the_limit_is_refused_whole(client: FlaskClient, database: Database) -> None:
    raw = b" " * (FOUR_MIB + 1)

    response = client.post(
        "/webhook/whatsapp",
        input_stream=io.BytesIO(raw),
        environ_overrides={"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"},
        headers={"X-Hub-Signature-256": sign_meta(APP_SECRET, raw[:-1])},
    )

    assert response.status_code == 413
    assert response.get_json()["error"]["code"] == "too_large"
    assert kept(database) == []


HANDSHAKES: list[tuple[dict[str, str], int]] = [
    ({"hub.mode": "subscribe", "hub.verify_token": VERIFY_TOKEN, "hub.challenge": "1158201444"}, 200),
    ({"hub.mode": "subscribe", "hub.verify_token": VERIFY_TOKEN, "hub.challenge": "<script>alert(1)</script>"}, 200),
    ({"hub.mode": "subscribe", "hub.verify_token": VERIFY_TOKEN, "hub.challenge": ""}, 200),
    ({"hub.mode": "subscribe", "hub.verify_token": VERIFY_TOKEN}, 403),
    ({"hub.mode": "subscribe", "hub.verify_token": "wrong", "hub.challenge": "1"}, 403),
    ({"hub.mode": "subscribe", "hub.verify_token": "", "hub.challenge": "1"}, 403),
    ({"hub.mode": "subscribe", "hub.verify_token": VERIFY_TOKEN.upper(), "hub.challenge": "1"}, 403),
    ({"hub.mode": "subscribe", "hub.verify_token": VERIFY_TOKEN + " ", "hub.challenge": "1"}, 403),
    ({"hub.mode": "subscribe", "hub.verify_token": "contraseña\x00", "hub.challenge": "1"}, 403),
    ({"hub.mode": "unsubscribe", "hub.verify_token": VERIFY_TOKEN, "hub.challenge": "1"}, 403),
    ({"hub.verify_token": VERIFY_TOKEN, "hub.challenge": "1"}, 403),
    ({"hub_mode": "subscribe", "hub_verify_token": VERIFY_TOKEN, "hub_challenge": "1"}, 403),
    ({}, 403),
]


@on_sqlite
@pytest.mark.parametrize(("query", "status"), HANDSHAKES)
def test_the_challenge_goes_back_to_whoever_knows_the_token(
    client: FlaskClient, query: dict[str, str], status: int
) -> None:
    response = client.get("/webhook/whatsapp", query_string=query)

    assert response.status_code == status
    assert response.mimetype == "text/plain"
    assert response.get_data(as_text=True) == (query["hub.challenge"] if status == 200 else "Forbidden")


@on_sqlite
def test_a_locked_database_is_a_503_and_nothing_is_kept(
    post_webhook: PostWebhook, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.db.database.WAIT_SECONDS", 0.05)
    stranger = sqlite3.connect(str(database.url.database), isolation_level=None)
    stranger.execute("BEGIN IMMEDIATE")

    response = post_webhook(BODY)
    stranger.execute("ROLLBACK")
    stranger.close()

    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    assert response.get_json()["error"]["retryable"] is True
    assert kept(database) == []
    assert post_webhook(BODY).status_code == 200


def test_a_database_that_is_away_is_a_503(away: FlaskClient) -> None:
    response = away.post("/webhook/whatsapp", data=BODY, headers={"X-Hub-Signature-256": GOOD})

    assert response.status_code == 503


def test_without_a_database_a_bad_signature_is_still_a_401(away: FlaskClient) -> None:
    response = away.post("/webhook/whatsapp", data=BODY, headers={"X-Hub-Signature-256": "sha256=00"})

    assert response.status_code == 401


def test_while_secrets_rotate_both_vouch_for_the_same_app(app: Flask, client: FlaskClient, config: Config) -> None:
    app.extensions["gateway"] = Gateway.build(
        with_settings(config, whatsapp_app_secrets=("new-secret-0123456789", APP_SECRET)), "0"
    )
    database = app.extensions["gateway"].database

    answers = [
        client.post("/webhook/whatsapp", data=BODY, headers={"X-Hub-Signature-256": sign_meta(secret, BODY)})
        for secret in ("new-secret-0123456789", APP_SECRET, "old-secret-0123456789")
    ]

    assert [answer.status_code for answer in answers] == [200, 200, 401]
    assert {row.verified_by for row in kept(database)} == {"default"}
    database.dispose()


def test_the_secret_of_a_number_added_later_counts(
    gateway: Gateway, post_webhook: PostWebhook, database: Database
) -> None:
    assert post_webhook(BODY, "their-secret-0123456789").status_code == 401

    add_number(gateway, app="111222", secret="their-secret-0123456789")
    refresh(gateway)

    assert post_webhook(BODY, "their-secret-0123456789").status_code == 200
    assert kept(database)[0].verified_by == "111222"


def test_a_number_whose_secrets_cannot_be_decrypted_leaves_the_others_working(
    gateway: Gateway, post_webhook: PostWebhook
) -> None:
    add_number(gateway, app="111222", secret="their-secret-0123456789")
    with gateway.database.write() as session:
        numbers.save(session, {"phone_number_id": OTHER_PNID, "app_secrets": "not ours", "access_token": "not ours"})

    assert post_webhook(BODY).status_code == 200
    assert gateway.directory.current.numbers[OTHER_PNID].app == "111222"


def add_number(gateway: Gateway, *, app: str, secret: str) -> None:
    now = datetime.now(UTC)
    row: dict[str, Any] = {
        "phone_number_id": OTHER_PNID, "waba_id": OTHER_WABA, "app": app, "display_phone_number": "15550100199",
        "access_token": gateway.encryptor.encrypt("EAAother"), "app_secrets": gateway.encryptor.encrypt(secret),
        "created_at": now, "updated_at": now,
    }  # fmt: skip
    with gateway.database.write() as session:
        numbers.save(session, row)


def refresh(gateway: Gateway) -> None:
    gateway.directory.refresh()


def kept(database: Database) -> list[Notification]:
    with database.read() as session:
        return list(session.scalars(select(Notification).order_by(Notification.id)))


@on_sqlite
def test_a_slash_behind_the_callback_path_changes_nothing(client: FlaskClient) -> None:
    query = {"hub.mode": "subscribe", "hub.verify_token": VERIFY_TOKEN, "hub.challenge": "1158201444"}

    shaken = client.get("/webhook/whatsapp/", query_string=query)
    kept = client.post("/webhook/whatsapp/", data=BODY, headers={"X-Hub-Signature-256": GOOD})

    assert (shaken.status_code, shaken.text) == (200, "1158201444")
    assert (kept.status_code, kept.get_json()) == (200, {"status": "ok"})


def test_a_refused_webhook_is_counted_for_the_number_that_it_names(
    post_webhook: PostWebhook, database: Database
) -> None:
    for _ in range(3):
        assert post_webhook(BODY, "another-secret-0123456789").status_code == 401

    with database.read() as session:
        ((number, minutes),) = traffic.refused(session, datetime(2020, 1, 1, tzinfo=UTC)).items()
    assert (number, [times for _, times in minutes]) == (PNID, [1])  # the first at once, others every ten seconds


def test_only_a_refused_webhook_is_a_request_of_flasks(app: Flask, client: FlaskClient) -> None:
    """Flask's own part would double the CPU time of a webhook."""
    begun: list[str] = []

    def note(_app: Flask, **_: Any) -> None:
        begun.append("a request")

    with request_started.connected_to(note, app):
        answer = client.post("/webhook/whatsapp", data=BODY, headers={"X-Hub-Signature-256": GOOD})
        assert (answer.status_code, answer.get_json(), begun) == (200, {"status": "ok"}, [])
        assert client.post("/webhook/whatsapp", data=BODY).status_code == 401
        assert begun == ["a request"]


def test_a_fault_of_ours_is_a_500_in_the_usual_shape(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a fault")

    app.config["PROPAGATE_EXCEPTIONS"] = False
    monkeypatch.setitem(app.extensions, "gateway", replace(app.extensions["gateway"], receive=fail))
    answer = app.test_client().post("/webhook/whatsapp", data=BODY, headers={"X-Hub-Signature-256": GOOD})
    assert (answer.status_code, answer.get_json()["error"]["code"]) == (500, "internal")
