"""Notifications on the page of whoever is signed in."""

from __future__ import annotations

from flask import Flask

from app.container import Gateway
from tests.conftest import on_sqlite
from tests.people import Browser, sign_in
from tests.services.push.devices import Device

pytestmark = on_sqlite


def test_a_browser_is_allowed_shown_and_stopped(app: Flask, gateway: Gateway) -> None:
    ana, device = sign_in(app), Device()
    before = ana.get("/inbox/me").text
    assert 'id="push"' in before and device.endpoint not in before
    assert ana.get("/inbox/me/push").get_json() == {"key": gateway.push.public_key()}

    assert ana.post("/inbox/me/push", json=device.subscription).status_code == 204
    assert device.endpoint in ana.get("/inbox/me").text
    assert ana.post("/inbox/me/push/off", json={"endpoint": device.endpoint}).status_code == 204

    assert device.endpoint not in ana.get("/inbox/me").text


def test_nothing_is_allowed_without_the_token_of_a_page_nor_by_strangers(app: Flask, gateway: Gateway) -> None:
    ana, device = sign_in(app), Device()
    her_id = gateway.people.named("Ana").id

    forged = ana.post("/inbox/me/push", json=device.subscription, headers={"X-CSRFToken": ""})
    strange = Browser(app).post("/inbox/me/push", json=device.subscription, headers={"Accept": "application/json"})

    assert (forged.status_code, strange.status_code) == (403, 401)
    assert gateway.push.of(her_id) == []


def test_what_no_browser_sends_is_refused_with_what_is_wrong(app: Flask) -> None:
    ana = sign_in(app)
    ana.get("/inbox/me")

    answers = [ana.post("/inbox/me/push", json=body, headers={"Accept": "application/json"}) for body in ([], {}, "x")]

    assert [each.status_code for each in answers] == [422, 422, 422]
    assert "https" in answers[0].text


def test_signing_out_ends_the_notifications_of_this_browser(app: Flask, gateway: Gateway) -> None:
    ana = sign_in(app)
    ana.get("/inbox/me")
    ana.post("/inbox/me/push", json=Device().subscription)
    her_id = gateway.people.named("Ana").id
    assert len(gateway.push.of(her_id)) == 1

    ana.post("/inbox/sign-out")

    assert gateway.push.of(her_id) == []


def test_the_service_worker_shows_notifications_and_opens_their_conversation(app: Flask) -> None:
    script = Browser(app).get("/inbox/worker.js").text

    assert 'addEventListener("push"' in script and 'addEventListener("notificationclick"' in script
