"""Graph's shapes, byte by byte: what an SDK's own tests would not look at."""

from __future__ import annotations

import time
from collections.abc import Callable
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import pytest
import responses
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.clock import utc_now
from app.container import Gateway
from app.domain.media_types import MediaType
from app.services.numbers.save import save_number
from app.store import media
from app.web.graph import links
from simulator.testing import MetaStandIn
from tests.conftest import API_KEY
from tests.factories import ANA, OTHER_PNID, OTHER_WABA, PNID, WABA
from tests.web.graph.conftest import Seen

TOKEN = "EAAsimulated"
TEXT = {"messaging_product": "whatsapp", "to": ANA, "type": "text", "text": {"body": "Hola"}}

Ask = Callable[..., TestResponse]


@pytest.fixture
def ask(client: FlaskClient, seen: Seen) -> Ask:
    def ask_(method: str, path: str, key: str = API_KEY, **more: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {key}"} | more.pop("headers", {})
        return client.open(f"/graph/v19.0/{path}", method=method, headers=headers, **more)

    return ask_


def error_of(response: TestResponse) -> tuple[int, int]:
    """The HTTP status and the code of an error that has every key Graph's have."""
    error = response.get_json()["error"]
    assert {"message", "type", "code", "fbtrace_id"} <= error.keys()
    return response.status_code, error["code"]


def test_a_send_is_recorded_like_any_other(ask: Ask, client: FlaskClient, meta: MetaStandIn) -> None:
    body = {**TEXT, "biz_opaque_callback_data": "order-7"}

    sent = ask("POST", f"{PNID}/messages", json=body).get_json()["messages"][0]["id"]

    kept = client.get(f"/api/messages/{sent}", headers={"Authorization": f"Bearer {API_KEY}"}).get_json()
    assert (kept["status"], kept["callback_data"], kept["recipient"]) == ("accepted", "order-7", f"+{ANA}")
    assert meta.accepted[0].biz_opaque_callback_data != "order-7"  # ours travels, so that the status finds it


@pytest.mark.parametrize("to", [ANA, int(ANA), f"+{ANA}", "+54 9 11 1234-5678", "54 (9) 11 1234 5678", f"00{ANA}"])
def test_a_recipient_is_understood_in_any_form(ask: Ask, meta: MetaStandIn, to: Any) -> None:
    answer = ask("POST", f"{PNID}/messages", json={**TEXT, "to": to}).get_json()

    assert answer["contacts"] == [{"input": to, "wa_id": ANA}]
    assert meta.accepted[0].to == f"+{ANA}"


def test_what_meta_says_of_recipient_and_message_is_passed_on(ask: Ask, meta: MetaStandIn) -> None:
    said = {
        "contacts": [{"input": "+5215512345678", "wa_id": "525512345678", "user_id": "MX.1"}],
        "messages": [{"id": "wamid.X", "message_status": "held_for_quality_assessment"}],
    }
    template = {"name": "offer", "language": {"code": "es"}}
    body = {"to": "5215512345678", "type": "template", "template": template}

    with responses.RequestsMock() as graph:
        graph.post(f"{meta.url}/v26.0/{PNID}/messages", json=said)
        answer = ask("POST", f"{PNID}/messages", json=body)

    assert answer.get_json() == {
        "messaging_product": "whatsapp",
        "contacts": [{"input": "5215512345678", "wa_id": "525512345678", "user_id": "MX.1"}],
        "messages": said["messages"],
    }


def test_a_form_is_as_good_as_json(ask: Ask, meta: MetaStandIn) -> None:
    form = {"messaging_product": "whatsapp", "to": ANA, "type": "text", "text": '{"body":"Hola"}'}

    assert ask("POST", f"{PNID}/messages", data=form).status_code == 200
    assert meta.accepted[0].body["text"] == {"body": "Hola"}


def test_the_same_key_is_the_same_message_in_any_version(ask: Ask, client: FlaskClient, meta: MetaStandIn) -> None:
    headers = {"Idempotency-Key": "k", "Authorization": f"Bearer {API_KEY}"}
    first = client.post(f"/graph/v19.0/{PNID}/messages", json=TEXT, headers=headers)

    again = client.post(f"/graph/v25.0/{PNID}/messages", json=TEXT, headers=headers)

    assert again.get_json() == first.get_json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(meta.accepted) == 1
    other = client.post(f"/graph/v25.0/{PNID}/messages", json={**TEXT, "to": "+34600111222"}, headers=headers)
    assert error_of(other) == (400, 100)


def test_an_unknown_outcome_is_answered_with_our_id(ask: Ask, client: FlaskClient, meta: MetaStandIn) -> None:
    meta.add_fault("cut")

    answer = ask("POST", f"{PNID}/messages", json=TEXT)

    (message,) = answer.get_json()["messages"]
    assert (answer.status_code, message["message_status"]) == (200, "unknown")
    kept = client.get(f"/api/messages/{message['id']}", headers={"Authorization": f"Bearer {API_KEY}"})
    assert kept.get_json()["status"] in ("unknown", "accepted", "sent", "delivered", "read")


def test_a_limit_of_metas_is_a_429_in_metas_words(ask: Ask, meta: MetaStandIn) -> None:
    meta.add_fault("code", code=131056)

    answer = ask("POST", f"{PNID}/messages", json=TEXT)

    assert error_of(answer) == (429, 131056)
    assert int(answer.headers["Retry-After"]) > 0
    gateway = answer.get_json()["error"]["gateway"]
    assert (gateway["code"], gateway["retryable"]) == ("throttled", True)


def test_a_limit_of_ours_has_one_code(ask: Ask, meta: MetaStandIn) -> None:
    meta.add_fault("code", code=131056)
    ask("POST", f"{PNID}/messages", json=TEXT)

    answer = ask("POST", f"{PNID}/messages", json=TEXT)

    assert error_of(answer) == (429, 130429)
    assert answer.get_json()["error"]["is_transient"] is True


def test_metas_refusal_keeps_metas_code_and_details(ask: Ask, meta: MetaStandIn) -> None:
    meta.block(ANA)
    template = {**TEXT, "type": "template", "template": {"name": "none", "language": {"code": "es"}}}
    del template["text"]

    answer = ask("POST", f"{PNID}/messages", json=template)

    assert error_of(answer) == (404, 132001)


SAID = {
    "message": "(#131026) Message undeliverable for +54 9 11 1234-5678",
    "type": "OAuthException",
    "code": 131026,
    "error_subcode": 2494010,
    "error_user_title": "Kann nicht gesendet werden",
    "error_user_msg": "Die Nummer 5491112345678 …",
    "is_transient": False,
    "error_data": {"messaging_product": "whatsapp", "details": "no file for +5491112345678", "blame": ["image"]},
    "fbtrace_id": "AbC",
    "of_tomorrow": {"x": [1]},
}


def test_metas_error_is_passed_on_as_it_came(ask: Ask, client: FlaskClient, meta: MetaStandIn) -> None:
    bearer = {"Authorization": f"Bearer {API_KEY}"}
    with responses.RequestsMock() as graph:
        graph.post(f"{meta.url}/v26.0/{PNID}/messages", json={"error": SAID}, status=400)
        graph.get(f"{meta.url}/v26.0/{WABA}/message_templates", json={"error": SAID}, status=500)
        sent = ask("POST", f"{PNID}/messages", json=TEXT)
        read = ask("GET", f"{WABA}/message_templates")
        ours = client.post("/send/whatsapp", json={"to": f"+{ANA}", "message": "Hola"}, headers=bearer).get_json()

    for answer, status, code in ((sent, 400, "refused"), (read, 500, "refused")):
        error = answer.get_json()["error"]
        gateway = error.pop("gateway")
        assert (error, answer.status_code, gateway["code"]) == (SAID, status, code)
    kept = client.get(f"/api/messages/{sent.get_json()['error']['gateway']['id']}", headers=bearer).get_json()
    assert "5491112345678" not in str(kept["error"])
    assert ours["error"]["meta"]["details"] == "no file for +5491112345678"
    assert ours["error"]["meta"]["subcode"] == 2494010
    assert ours["error"]["meta"]["user_title"] == "Kann nicht gesendet werden"


def test_a_token_is_hidden_where_it_stands_and_nowhere_else(ask: Ask, meta: MetaStandIn, gateway: Gateway) -> None:
    token = "EAAb" + "x7" * 40
    save_number(gateway.database, gateway.encryptor, utc_now(), phone_number_id=PNID, display_phone_number=None,
                waba_id=WABA, app_id=None, access_token=token, app_secrets=[])  # fmt: skip
    gateway.directory.refresh()
    error = {"message": f"Malformed access token {token}", "code": 100, "error_user_msg": f"a{token} EAsy simulator"}
    names = {"data": [{"name": f"x{token}", "of": f"({token})", "access_token": token, "word": "simulator"}]}
    with responses.RequestsMock() as graph:
        graph.get(f"{meta.url}/v26.0/{PNID}", json={"error": error}, status=400)
        graph.get(f"{meta.url}/v26.0/{WABA}/message_templates", json=names)
        said = ask("GET", PNID).get_json()["error"]
        listed = ask("GET", f"{WABA}/message_templates").get_json()

    assert said["message"] == "Malformed access token [token]"
    assert said["error_user_msg"] == f"a{token} EAsy simulator"
    assert listed == {"data": [{"name": f"x{token}", "of": "([token])", "word": "simulator"}]}


def test_the_simulators_word_for_a_token_is_a_word(ask: Ask, meta: MetaStandIn) -> None:
    with responses.RequestsMock() as graph:
        graph.get(f"{meta.url}/v26.0/{WABA}/message_templates", json={"data": [{"name": "simulator_offer"}]})
        assert ask("GET", f"{WABA}/message_templates").get_json() == {"data": [{"name": "simulator_offer"}]}


@pytest.mark.parametrize(
    ("more", "code"),
    [({"json": {"to": ANA}}, 131008), ({"json": []}, 100), ({"data": "{", "content_type": "application/json"}, 100),
     ({"data": b""}, 131008), ({"json": {"status": "read"}}, 131008),
     ({"json": {"status": "seen", "message_id": "wamid.X"}}, 131009),
     ({"json": {"status": "read", "message_id": "no-such"}}, 100),
     ({"json": {**TEXT, "text": {"body": ""}}}, 131009), ({"json": {**TEXT, "text": {}}}, 131008),
     ({"json": {**TEXT, "to": "Ana"}}, 131009), ({"json": {**TEXT, "text": {"body": "x" * 4097}}}, 131009),
     ({"json": TEXT, "headers": {"Idempotency-Key": ""}}, 131009),
     ({"data": "text=%7B&to=1", "content_type": "application/x-www-form-urlencoded"}, 131009),
     ({"data": "to=%ff", "content_type": "application/x-www-form-urlencoded"}, 131008)],
)  # fmt: skip
def test_what_cannot_be_read_has_the_code_meta_would_use(ask: Ask, meta: MetaStandIn, more: Any, code: int) -> None:
    answer = ask("POST", f"{PNID}/messages", **more)

    assert error_of(answer) == (400, code)
    assert answer.get_json()["error"]["error_data"]["details"]
    assert answer.get_json()["error"]["gateway"]["code"] in ("invalid_request", "malformed", "wrong_state")
    assert meta.accepted == []


def test_without_a_key_of_ours_nobody_enters(client: FlaskClient, gateway: Gateway, seen: Seen) -> None:
    assert error_of(client.post(f"/graph/v19.0/{PNID}/messages", json=TEXT)) == (401, 190)
    assert error_of(client.get(f"/graph/v19.0/{PNID}?access_token={API_KEY}x")) == (401, 190)
    reader = {"Authorization": f"Bearer {gateway.api_keys.make('reader', ['read'], None)}"}
    assert error_of(client.post(f"/graph/v19.0/{PNID}/messages", json=TEXT, headers=reader)) == (403, 10)
    assert error_of(client.delete(f"/graph/v19.0/{WABA}/message_templates?name=x", headers=reader)) == (403, 10)
    assert seen.everything == []


def test_pages_point_at_us_and_hold_no_token(ask: Ask, client: FlaskClient, meta: MetaStandIn) -> None:
    for number in range(3):
        body = {"name": f"t{number}", "language": "es", "category": "UTILITY",
                "components": [{"type": "BODY", "text": "Hola."}]}  # fmt: skip
        assert ask("POST", f"{WABA}/message_templates", json=body).status_code == 200

    page = ask("GET", f"{WABA}/message_templates?limit=2&fields=name&access_token={TOKEN}").get_json()
    following = page["paging"]["next"]
    rest = client.get(following, headers={"Authorization": f"Bearer {API_KEY}"}).get_json()

    assert following.startswith(f"http://localhost/graph/v26.0/{WABA}/message_templates?")
    assert TOKEN not in following and "access_token" not in following
    assert sorted(each["name"] for each in page["data"] + rest["data"]) == ["hello_world", "t0", "t1", "t2"]


def test_only_what_is_for_meta_goes_to_meta(ask: Ask, seen: Seen) -> None:
    ask("GET", f"{PNID}?method=delete&access_token={API_KEY}&appsecret_proof=x&fields=status")
    ask("POST", f"{PNID}/whatsapp_business_profile", json={"messaging_product": "whatsapp", "access_token": API_KEY})

    assert len(seen.everything) == 2
    assert not seen.holds(API_KEY)
    assert not seen.holds("method=delete") and not seen.holds("appsecret_proof")


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", f"{WABA}/assigned_users"), ("GET", f"{PNID}/x/y"),
     ("POST", f"{PNID}/marketing_messages"), ("POST", f"{WABA}"), ("DELETE", f"{PNID}"), ("DELETE", f"{WABA}"),
     ("GET", "..%2F..%2Fme"),
     ("POST", f"{PNID}/x/y"),
     ("GET", f"{WABA}/messages"), ("GET", f"{PNID}/message_templates")],
)  # fmt: skip
def test_what_is_not_on_the_list_does_not_exist(ask: Ask, seen: Seen, method: str, path: str) -> None:
    answer = ask(method, path)

    assert error_of(answer) == (400, 100)
    assert answer.get_json()["error"]["error_subcode"] == 33
    assert seen.everything == []


def test_a_key_of_two_numbers_uses_both_and_sees_each_ones_files(
    ask: Ask, gateway: Gateway, meta: MetaStandIn, both: None
) -> None:
    key = gateway.api_keys.make("two", ["send", "read"], [PNID, OTHER_PNID])
    one = gateway.api_keys.make("one", ["send", "read"], [PNID])
    form = {"messaging_product": "whatsapp", "file": (BytesIO(b"%PDF"), "a.pdf", "application/pdf")}
    theirs = ask("POST", f"{OTHER_PNID}/media", key, data=form).get_json()["id"]

    assert ask("POST", f"{OTHER_PNID}/messages", key, json=TEXT).status_code == 200
    assert meta.accepted[0].phone_number_id == OTHER_PNID
    assert f"phone_number_id={OTHER_PNID}" in ask("GET", theirs, key).get_json()["url"]
    for method, path in (("GET", theirs), ("DELETE", theirs), ("GET", f"{theirs}?phone_number_id={OTHER_PNID}"),
                         ("GET", f"whatsapp_business/attachments/?mid={theirs}"),
                         ("POST", f"{OTHER_PNID}/messages"), ("GET", f"{OTHER_WABA}/phone_numbers"),
                         ("GET", OTHER_WABA), ("GET", OTHER_PNID)):  # fmt: skip
        assert error_of(ask(method, path, one, json=TEXT if method == "POST" else None)) == (400, 100), path


@pytest.mark.parametrize("fields", ["access_token", "phone_numbers", "name,owner{access_token}", "health_status"])
def test_fields_do_not_lead_a_bound_key_astray(ask: Ask, gateway: Gateway, seen: Seen, fields: str) -> None:
    key = gateway.api_keys.make("one", ["read"], [PNID])

    assert error_of(ask("GET", f"{WABA}?fields={fields}", key)) == (403, 10)
    assert seen.everything == []


def test_a_file_of_a_customers_is_no_page_of_ours(ask: Ask, meta: MetaStandIn) -> None:
    form = {"messaging_product": "whatsapp", "file": (BytesIO(b"<b>"), "a.txt", "text/plain")}
    media_id = ask("POST", f"{PNID}/media", data=form).get_json()["id"]

    answer = ask("GET", f"whatsapp_business/attachments/?mid={media_id}&phone_number_id={PNID}")

    assert answer.data == b"<b>"
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_an_upload_without_a_file_says_so(ask: Ask) -> None:
    assert error_of(ask("POST", f"{PNID}/media", data={"messaging_product": "whatsapp"})) == (400, 100)


@pytest.fixture
def both(gateway: Gateway) -> None:
    """The second number is the gateway's, too."""
    save_number(gateway.database, gateway.encryptor, utc_now(), phone_number_id=OTHER_PNID, display_phone_number=None,
                waba_id=OTHER_WABA, app_id=None, access_token=None, app_secrets=[])  # fmt: skip
    gateway.directory.refresh()


def test_a_simulated_number_is_found_to_work(gateway: Gateway, meta: MetaStandIn) -> None:
    report = gateway.check_number(PNID)

    assert report.ok is True
    assert {finding.name for finding in report.findings} >= {"number", "status", "quality", "token", "subscription"}
    assert {finding.state for finding in report.findings} == {"ok"}


def test_a_files_url_works_for_five_minutes_without_a_key(
    ask: Ask, client: FlaskClient, gateway: Gateway, meta: MetaStandIn, both: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = {"messaging_product": "whatsapp", "file": (BytesIO(b"%PDF"), "a.pdf", "application/pdf")}
    mine = ask("POST", f"{PNID}/media", data=form).get_json()["id"]
    form = {"messaging_product": "whatsapp", "file": (BytesIO(b"%PDF"), "a.pdf", "application/pdf")}
    other = ask("POST", f"{OTHER_PNID}/media", data=form).get_json()["id"]

    url = ask("GET", mine).get_json()["url"].removeprefix("http://localhost")

    assert client.get(url).data == b"%PDF"
    assert client.get(url, headers={"Authorization": "Bearer nobody"}).data == b"%PDF"
    for changed in (url.replace(f"mid={mine}", f"mid={other}"), url.replace(PNID, OTHER_PNID),
                    f"/graph/v26.0/{mine}?{url.partition('?')[2]}"):  # fmt: skip
        assert error_of(client.get(changed)) == (401, 190), changed
    later = time.time() + 301
    monkeypatch.setattr(links, "time", SimpleNamespace(time=lambda: later))
    assert error_of(client.get(url)) == (401, 190)
    assert ask("GET", url.removeprefix("/graph/v26.0/")).data == b"%PDF"


def test_a_file_that_is_kept_is_answered_from_here_also_when_metas_copy_is_dead(
    ask: Ask, gateway: Gateway, client: FlaskClient
) -> None:
    content = b"%PDF-1.4 kept"
    vault = gateway.media.vault
    assert vault is not None
    kept = vault.put([content], 10**6)
    row = {
        "id": "01a20c83-9c99-816b-8b07-2a3001233244", "direction": "inbound", "phone_number_id": PNID,
        "message_id": None, "meta_media_id": "1234567890", "url": None, "declared_type": None, "declared_sha256": None,
        "filename": "bill.pdf", "state": "stored", "reason": None, "mime_type": "application/pdf",
        "created_at": utc_now(), "expires_at": utc_now(), "job": None, "request_id": None,
    }  # fmt: skip
    with gateway.database.write() as session:
        media.add_wanted(session, [row])
        media.share(session, kept.sha256, kept.key, kept.size, MediaType("application/pdf"), utc_now())
        media.change(session, row["id"], {"sha256": kept.sha256, "size": kept.size})

    about = ask("GET", "1234567890").get_json()
    by_link = client.get(about["url"].partition("http://localhost")[2])
    by_key = ask("GET", f"whatsapp_business/attachments/?mid=1234567890&phone_number_id={PNID}")

    assert (about["sha256"], about["file_size"], about["mime_type"]) == (kept.sha256, kept.size, "application/pdf")
    assert by_link.data == by_key.data == content
    assert ask("GET", "1234567890", gateway.api_keys.make("other", ["read"], [OTHER_PNID])).status_code == 400
