from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.container import Gateway
from tests.conftest import API_KEY, PostWebhook, on_sqlite
from tests.factories import OTHER_PNID, PNID, message_body, text

pytestmark = on_sqlite

OPEN = {"/", "/healthz", "/readyz", "/webhook/whatsapp", "/graph/<version>/oauth/access_token"}
SCOPES: dict[str, str | dict[str, str]] = {
    "/send/whatsapp": "send",
    "/metrics": "read",
    "/api/messages": "read",
    "/api/messages/<path:message_id>": "read",
    "/api/messages/<path:message_id>/read": "send",
    "/api/messages/<path:message_id>/typing": "send",
    "/api/messages/<path:message_id>/timeline": "read",
    "/api/messages/<path:message_id>/retry": "send",
    "/api/messages/<path:message_id>/cancel": "send",
    "/api/messages/<path:message_id>/mark-sent": "send",
    "/api/messages/bulk": "send",
    "/api/preflight": "read",
    "/api/templates": "read",
    "/api/keys/current": "any",
    "/api/messages/release": "send",
    "/api/messages/retry": "send",
    "/api/messages/cancel": "send",
    "/api/batches": "read",
    "/api/batches/<batch_id>": "read",
    "/api/batches/<batch_id>/pause": "send",
    "/api/batches/<batch_id>/resume": "send",
    "/api/batches/<batch_id>/cancel": "send",
    "/api/batches/<batch_id>/retry-failed": "send",
    "/api/conversations": "read",
    "/api/conversations/<conversation_id>": "read",
    "/api/conversations/<conversation_id>/messages": {"GET": "read", "POST": "send"},
    **{
        f"/api/conversations/<conversation_id>/{act}": "send"
        for act in ("assign", "labels", "notes", "close", "reopen", "seen")
    },
    "/api/labels": {"GET": "read", "POST": "admin"},
    "/api/labels/<label_id>": "admin",
    "/api/quick-replies": {"GET": "read", "POST": "admin"},
    "/api/quick-replies/<quick_reply_id>": "admin",
    "/api/contacts": "read",
    "/api/contacts/<contact_id>": {"GET": "read", "PATCH": "send", "DELETE": "admin"},
    "/api/contacts/<contact_id>/export": "read",
    "/api/contacts/<contact_id>/handover": "send",
    "/api/media": {"GET": "read", "POST": "send"},
    "/api/media/<media_id>": "read",
    "/api/media/<media_id>/content": "read",
    "/media/<media_id>": "read",
    "/media/<media_id>/thumbnail": "read",
    "/api/endpoints": "admin",
    "/api/endpoints/<endpoint_id>": "admin",
    "/api/endpoints/<endpoint_id>/test": "admin",
    "/api/endpoints/<endpoint_id>/rotate-secret": "admin",
    "/api/endpoints/<endpoint_id>/replay": "admin",
    "/api/deliveries": "admin",
    "/api/deliveries/<delivery_id>": "admin",
    "/api/deliveries/<delivery_id>/retry": "admin",
    "/api/events": "read",
    "/api/people": "admin",
    "/api/people/<person_id>": "admin",
    "/api/people/<person_id>/links": "admin",
    "/api/people/<person_id>/sign-out": "admin",
    "/api/keys": "admin",
    "/api/keys/<key_name>": "admin",
    "/api/numbers": {"GET": "read", "POST": "admin"},
    "/api/numbers/<phone_number_id>": {"GET": "read", "PATCH": "admin", "DELETE": "admin"},
    "/api/numbers/<phone_number_id>/check": "admin",
    "/graph/<version>/<phone_number_id>/messages": "send",
    "/graph/<version>/<phone_number_id>/media": "send",
    "/graph/<version>/whatsapp_business/attachments/": "read",
    "/graph/<version>/<app_id>/uploads": "send",
    "/graph/<version>/upload:<upload>": "send",
    "/graph/<version>/me": "any",
    "/graph/<version>/debug_token": "any",
    "/graph/<version>/<app_id>/subscriptions": "admin",
    "/graph/<version>/<object_id>": {"GET": "read", "POST": "admin", "DELETE": "send"},
    "/graph/<version>/<object_id>/<edge>": {"GET": "read", "POST": "admin", "DELETE": "admin"},
    "/graph/<version>/<object_id>/<edge>/<item_id>": {"GET": "read", "POST": "admin", "DELETE": "admin"},
    "/graph/<version>/<path:anything>": "any",
    "/api/alerts": "read",
    "/api/audit": "admin",
    "/api/stats": "read",
    "/api/stats/series": "read",
    "/api/overview": "admin",
    "/api/doctor": "admin",
    "/api/deliveries/backlogs": "admin",
    "/api/deliveries/retry": "admin",
    "/api/notifications": "admin",
    "/api/notifications/<notification_id>": "admin",
    "/api/notifications/<notification_id>/raw": "admin",
    "/api/notifications/<notification_id>/replay": "admin",
}
"""Who may use which route, by method where they differ. A new route is an entry here; the documentation is open."""

DOCUMENTATION = ("/openapi", "/events.schema.json", "/docs", "/static/")

PAGES = ("/inbox",)
"""Pages are for people and no key opens them: tests/web/inbox/test_access.py."""


def test_every_route_says_who_may_use_it(app: Flask) -> None:
    rules = {rule.rule for rule in app.url_map.iter_rules() if not rule.rule.startswith((*DOCUMENTATION, *PAGES))}

    assert rules - OPEN - SCOPES.keys() == set()


def routes(app: Flask) -> list[tuple[str, str, str]]:
    found = []
    for rule in app.url_map.iter_rules():
        if rule.rule in SCOPES:
            edge = "message_qrdls" if "<item_id>" in rule.rule else "message_templates"
            path = rule.rule.replace("<version>", "v1.0").replace("<path:anything>", "x/x/x/x").replace("<edge>", edge)
            path = re.sub("<[^>]*>", "x", path)
            methods = set(rule.methods or ()) & {"GET", "POST", "PATCH", "DELETE"}
            scope = SCOPES[rule.rule]
            found += [(method, path, scope if isinstance(scope, str) else scope[method]) for method in methods]
    return found


def test_without_a_key_nothing_but_the_open_routes_answers(app: Flask, client: FlaskClient) -> None:
    for method, path, _ in routes(app):
        response = client.open(path, method=method)
        assert response.status_code == 401, path
        assert response.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("scope", ["send", "read", "admin"])
def test_a_key_opens_what_its_scope_says_and_nothing_else(
    app: Flask, client: FlaskClient, gateway: Gateway, scope: str
) -> None:
    key = gateway.api_keys.make("k", [scope], None)

    for method, path, needed in routes(app):
        response = client.open(path, method=method, headers={"Authorization": f"Bearer {key}"})
        is_closed = needed != "any" and scope not in (needed, "admin")
        assert (response.status_code == 403) == is_closed, (path, response.status_code)
        assert response.status_code not in (401, 500), path


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", f"Basic {API_KEY}", API_KEY, f"Bearer {API_KEY}x", f"Bearer {API_KEY.upper()}",
     "Bearer ñandú", "Bearer " + "x" * 5000],
)  # fmt: skip
def test_what_is_no_key_is_no_entry(client: FlaskClient, header: str) -> None:
    response = client.get("/api/messages", environ_overrides={"HTTP_AUTHORIZATION": header.encode().decode("latin-1")})

    assert response.status_code == 401


def test_a_revoked_key_stops_working_everywhere_at_once(client: FlaskClient, gateway: Gateway) -> None:
    key = gateway.api_keys.make("k", ["read"], None)
    headers = {"Authorization": f"Bearer {key}"}
    assert client.get("/api/messages", headers=headers).status_code == 200

    gateway.api_keys.revoke("k")

    assert client.get("/api/messages", headers=headers).status_code == 401


def test_a_bounded_key_sees_its_own_numbers_alone(
    gateway: Gateway, receive: Callable[..., None], client: FlaskClient, get: Callable[..., Any]
) -> None:
    receive(message_body(text(id="wamid.MINE")), message_body(text(id="wamid.THEIRS"), number=OTHER_PNID))
    key = gateway.api_keys.make("bounded", ["read"], [PNID])

    assert [row["message_id"] for row in get("/api/messages", key)["data"]] == ["wamid.MINE"]
    assert [row["data"]["message_id"] for row in get("/api/events", key)["data"]] == ["wamid.MINE"]
    assert [row["data"]["message_id"] for row in get("/api/events", key, after=0)["data"]] == ["wamid.MINE"]
    theirs = client.get("/api/messages/wamid.THEIRS", headers={"Authorization": f"Bearer {key}"})
    assert theirs.status_code == 404
    assert theirs.get_json()["error"] == client.get(
        "/api/messages/wamid.NOBODYS", headers={"Authorization": f"Bearer {key}"}
    ).get_json()["error"]  # fmt: skip


def test_a_bounded_key_reads_no_raw_bodies_which_may_speak_of_other_numbers(
    gateway: Gateway, receive: Callable[..., None], client: FlaskClient
) -> None:
    receive(message_body(text(), number=OTHER_PNID))
    key = gateway.api_keys.make("bounded", ["admin"], [PNID])

    assert client.get("/api/notifications", headers={"Authorization": f"Bearer {key}"}).status_code == 403


ERRORS: list[tuple[str, str, dict[str, Any], int, str]] = [
    ("GET", "/nowhere", {}, 404, "not_found"),
    ("GET", "/api/messages/none", {}, 404, "not_found"),
    ("GET", "/api/messages/%00", {}, 404, "not_found"),
    ("DELETE", "/api/messages", {}, 405, "method_not_allowed"),
    ("POST", "/send/whatsapp", {"data": "x" * 1_048_577, "content_type": "application/json"}, 413, "too_large"),
    ("POST", "/send/whatsapp", {"data": "{}", "content_type": "text/plain"}, 415, "unsupported_media_type"),
    ("POST", "/send/whatsapp", {"data": "{", "content_type": "application/json"}, 400, "malformed"),
    ("POST", "/send/whatsapp", {"json": []}, 400, "malformed"),
    ("POST", "/send/whatsapp", {"json": {}}, 422, "invalid_request"),
    ("GET", "/api/messages?limit=0", {}, 422, "invalid_request"),
    ("GET", "/api/messages?limit=501", {}, 422, "invalid_request"),
    ("GET", "/api/messages?limit=٣", {}, 422, "invalid_request"),
    ("GET", "/api/messages?since=yesterday", {}, 422, "invalid_request"),
    ("GET", "/api/messages?since=2026-01-01T00:00:00", {}, 422, "invalid_request"),
    ("GET", "/api/messages?cursor=nonsense", {}, 422, "invalid_request"),
    ("GET", "/api/messages?status=%00", {}, 422, "invalid_request"),
    ("GET", "/api/events?after=-1", {}, 422, "invalid_request"),
    ("GET", "/api/events?after=x", {}, 422, "invalid_request"),
    ("GET", "/api/events?after=0&wait=26", {}, 422, "invalid_request"),
    ("GET", "/api/events?cursor=bm9uc2Vuc2U", {}, 422, "invalid_request"),
    ("GET", "/api/alerts?state=other", {}, 422, "invalid_request"),
    ("GET", "/api/alerts?cursor=bm9uc2Vuc2U", {}, 422, "invalid_request"),
    ("GET", "/api/notifications/none", {}, 404, "not_found"),
    ("GET", "/api/notifications/%00/raw", {}, 404, "not_found"),
]


@pytest.mark.parametrize(("method", "path", "more", "status", "code"), ERRORS)
def test_every_error_has_one_shape(
    client: FlaskClient, method: str, path: str, more: dict[str, Any], status: int, code: str
) -> None:
    headers = {"Authorization": f"Bearer {API_KEY}", "X-Request-ID": "asked"}

    response = client.open(path, method=method, headers=headers, **more)

    body = response.get_json()
    assert (response.status_code, body["error"]["code"]) == (status, code)
    assert (body["success"], body["request_id"], response.headers["X-Request-ID"]) == (False, "asked", "asked")
    assert {"code", "message", "retryable"} <= body["error"].keys()


def test_a_mistake_of_ours_is_a_500_that_tells_nothing(
    client: FlaskClient, post_webhook: PostWebhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("app.web.api.messages.list_messages", fail)

    response = client.get("/api/messages", headers={"Authorization": f"Bearer {API_KEY}"})

    assert response.status_code == 500
    assert response.get_json()["error"]["code"] == "internal"
    assert b"secret detail" not in response.data
