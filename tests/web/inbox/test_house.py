"""The pages of the house: whose they are, what they show, and what their acts do."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree import ElementTree

import pytest
from flask import Flask
from sqlalchemy import select

from app.container import Gateway
from app.db.database import Database
from app.ids import new_id
from app.models import Alert, AuditEntry, Delivery, DeliveryAttempt, Notification, PricedMessages
from app.services.operations import CountTraffic
from app.store import traffic
from tests.conftest import PostWebhook, on_sqlite
from tests.factories import OTHER_PNID, PNID, message_body, text
from tests.people import Browser, sign_in

pytestmark = on_sqlite

PAGES = [
    "/inbox/house", "/inbox/house?period=day", "/inbox/house?period=month", "/inbox/house/live", "/inbox/house/numbers",
    f"/inbox/house/numbers/{PNID}", "/inbox/house/endpoints", "/inbox/house/batches", "/inbox/house/webhooks",
    "/inbox/house/webhooks?state=parked", "/inbox/house/cost", "/inbox/house/alerts", "/inbox/house/alerts?state=open",
    "/inbox/house/doctor",
    *(f"/inbox/house/plots/{name}.svg" for name in ("messages", "errors", "latency", "cost")),
]  # fmt: skip
HOSTILE = """"><script>alert(1)</script><img src=x onerror=alert(2)>' style=x:y"""
SECRET = re.compile(r'value="(whsec_[^"]+)"')


@pytest.fixture
def admin(app: Flask) -> Browser:
    """The browser of an admin."""
    return sign_in(app, "Root", "admin")


@pytest.mark.parametrize("path", PAGES)
def test_the_house_is_for_admins(app: Flask, admin: Browser, path: str) -> None:
    agent = sign_in(app, "Ana", "agent")

    assert admin.get(path).status_code == 200
    assert agent.get(path).status_code == 403
    assert Browser(app).get(path).location == "/inbox/sign-in"


def test_the_overview_tells_what_waits_and_what_is_wrong(
    admin: Browser, gateway: Gateway, database: Database, post_webhook: PostWebhook, process_all: Callable[[], None]
) -> None:
    gateway.manage_endpoints.add({"url": "https://app.example/"})
    post_webhook(message_body(text(), text()))
    process_all()
    _open_alert(database)

    page = admin.get("/inbox/house").text

    assert "missing" in page  # there is no worker in tests
    assert "spring (es)" in page and "What needs somebody" in page
    assert tile(page, "Deliveries waiting") == "2"


def test_alerts_and_what_the_doctor_looks_at_are_told_in_the_readers_language(
    admin: Browser, database: Database
) -> None:
    _open_alert(database)
    german = {"Accept-Language": "de"}  # which there is not
    spanish = {"Accept-Language": "es"}

    for path in ("/inbox/house", "/inbox/house/alerts"):
        assert "Meta pausó o desactivó la plantilla spring (es)" in admin.get(path, headers=spanish).text
        assert "Usa otra plantilla" in admin.get(path, headers=spanish).text
        assert "Meta paused or disabled the template spring (es)" in admin.get(path, headers=german).text
    assert "Quién puede leer .env" in admin.get("/inbox/house/doctor", headers=spanish).text


def test_its_part_that_changes_is_not_sent_again_while_it_is_the_same(admin: Browser) -> None:
    first = admin.get("/inbox/house/live")
    again = admin.get("/inbox/house/live", headers={"If-None-Match": first.headers["ETag"]})

    assert first.status_code == 200 and "<html" not in first.text
    assert again.status_code in (200, 304)
    assert again.status_code == 304 or again.headers["ETag"] != first.headers["ETag"]


def test_plots_are_pictures_that_may_do_nothing(
    admin: Browser, database: Database, receive: Callable[..., None]
) -> None:
    receive(message_body(text(), text()))
    count_traffic = CountTraffic(database)
    while count_traffic(datetime.now(UTC) + timedelta(minutes=1)):
        pass

    answer = admin.get("/inbox/house/plots/messages.svg?theme=dark")

    ElementTree.fromstring(answer.text)
    assert answer.mimetype == "image/svg+xml"
    assert "script" not in answer.text
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert admin.get("/inbox/house/plots/other.svg").status_code == 404


def test_the_figures_of_the_plots_are_a_table_too(
    admin: Browser, database: Database, receive: Callable[..., None]
) -> None:
    with database.write() as session:
        at = datetime.now(UTC) - timedelta(minutes=3)
        traffic.add(session, [traffic.TrafficCount(at, PNID, "message.received", 4711)])

    assert "4,711" in admin.get("/inbox/house").text


def test_an_endpoint_is_added_changed_paused_resumed_and_removed(admin: Browser, gateway: Gateway) -> None:
    admin.get("/inbox/house/endpoints")
    added = admin.post("/inbox/house/endpoints", data={"url": "https://shop.example/hook", "description": "Shop"})
    [row] = gateway.manage_endpoints.list()
    here = f"/inbox/house/endpoints/{row.id}"

    assert added.status_code == 201 and SECRET.search(added.text)
    assert not SECRET.search(admin.get(here).text)  # it is shown once
    for act, wanted in (("pause", True), ("resume", False)):
        assert admin.post(f"{here}/{act}").status_code == 303
        assert gateway.manage_endpoints.find(row.id).paused is wanted
    assert admin.post(here, data={"description": "The shop", "url": row.url}).status_code == 303
    assert gateway.manage_endpoints.find(row.id).description == "The shop"
    assert SECRET.search(admin.post(f"{here}/rotate-secret").text)
    assert admin.post(f"{here}/remove").status_code == 303
    assert gateway.manage_endpoints.list() == []


def test_a_wrong_url_is_told_in_the_form(admin: Browser, gateway: Gateway) -> None:
    admin.get("/inbox/house/endpoints")

    answer = admin.post("/inbox/house/endpoints", data={"url": "https://10.0.0.1/", "description": "Mine"})

    assert answer.status_code == 422
    assert 'value="Mine"' in answer.text and "is-invalid" in answer.text
    assert gateway.manage_endpoints.list() == []


def test_dead_letters_are_tried_again_one_some_and_all(
    admin: Browser, gateway: Gateway, database: Database, receive: Callable[..., None]
) -> None:
    row, _ = gateway.manage_endpoints.add({"url": "https://app.example/"})
    receive(message_body(text(), text(), text(), text()))
    ids = bury(database)
    listed = admin.get(f"/inbox/house/endpoints/{row.id}/deliveries?state=dead").text

    assert listed.count('name="id"') == 4
    admin.post(f"/inbox/house/deliveries/{ids[0]}/retry")
    assert pending(database) == ids[:1]
    admin.post(f"/inbox/house/endpoints/{row.id}/deliveries", data={"id": [str(ids[1]), "x", "99999"]})
    assert pending(database) == ids[:2]
    answer = admin.post(f"/inbox/house/endpoints/{row.id}/retry-dead")
    assert pending(database) == ids
    assert "Being tried again: 2" in admin.get(answer.location).text
    with database.read() as session:
        actors = {entry.actor for entry in session.scalars(select(AuditEntry)) if "retried" in entry.act}
    assert actors and all(actor.startswith("person:") for actor in actors)


def test_a_delivery_shows_what_the_app_answered(
    admin: Browser, gateway: Gateway, database: Database, receive: Callable[..., None]
) -> None:
    gateway.manage_endpoints.add({"url": "https://app.example/"})
    receive(message_body(text()))
    [delivery_id] = bury(database)
    with database.write() as session:
        session.add(
            DeliveryAttempt(
                delivery_id=delivery_id, number=1, started_at=datetime.now(UTC), duration_ms=12, status=500,
                answer="no database <b>today</b>",
            )  # fmt: skip
        )

    page = admin.get(f"/inbox/house/deliveries/{delivery_id}").text

    assert "HTTP 500" in page and "no database &lt;b&gt;today&lt;/b&gt;" in page


def test_a_webhook_that_was_set_aside_is_seen_and_read_again(
    admin: Browser, gateway: Gateway, database: Database, receive: Callable[..., None]
) -> None:
    receive(message_body({"type": "text", "text": 3}))
    with database.read() as session:
        [row] = session.scalars(select(Notification))
    page = admin.get(f"/inbox/house/webhooks/{row.id}")

    assert row.id in admin.get(f"/inbox/house/webhooks?state={row.state}").text
    assert "&#34;text&#34;: 3" in page.text
    assert admin.get(f"/inbox/house/webhooks/{row.id}/raw").data == row.raw
    root = f"person:{gateway.people.named('Root').id}"
    with database.read() as session:
        of_it = select(AuditEntry.act, AuditEntry.actor).where(AuditEntry.subject == f"notification:{row.id}")
        told = session.execute(of_it.order_by(AuditEntry.id)).all()
        assert told == [("notification.read", root), ("notification.downloaded", root)]
    assert admin.post(f"/inbox/house/webhooks/{row.id}/replay").status_code == 303
    with database.read() as session:
        assert session.scalars(select(Notification.state)).all() == ["pending"]


def test_a_number_is_added_changed_and_removed(admin: Browser, gateway: Gateway) -> None:
    admin.get("/inbox/house/numbers")
    asked = {"phone_number_id": OTHER_PNID, "display_phone_number": "+1 555 010 0199", "rate": "20",
             "access_token": "EAAsecret-token-of-its-own"}  # fmt: skip
    here = f"/inbox/house/numbers/{OTHER_PNID}"

    assert admin.post("/inbox/house/numbers", data=asked).status_code == 303
    page = admin.get(here).text
    assert "+15550100199" in page and "EAAsecret" not in page
    assert admin.post(here, data={"rate": "40"}).status_code == 303
    number = gateway.directory.read().find(OTHER_PNID)
    assert number is not None and number.rate == 40
    assert number.access_token == "EAAsecret-token-of-its-own"  # a field that stays empty stays as it is
    assert admin.post(f"{here}/remove").status_code == 303
    assert gateway.directory.read().find(OTHER_PNID) is None


def test_the_number_of_the_settings_is_not_changed_here(admin: Browser) -> None:
    admin.get("/inbox/house/numbers")

    assert admin.post(f"/inbox/house/numbers/{PNID}/remove").status_code == 409
    assert admin.post("/inbox/house/numbers", data={"phone_number_id": "abc"}).status_code == 422


def test_costs_are_told_by_day_and_category(admin: Browser, database: Database) -> None:
    day = datetime.now(UTC).date().isoformat()
    with database.write() as session:
        for category, billable, count in (("marketing", 1, 41), ("service", 0, 7)):
            session.add(
                PricedMessages(
                    phone_number_id=PNID, day=day, category=category, type="regular", billable=billable, messages=count
                )
            )

    page = admin.get("/inbox/house/cost").text

    assert tile(page, "marketing") == "41"
    assert "and 7 free" in page
    assert "marketing" in admin.get("/inbox/house/plots/cost.svg?period=month").text


def test_the_doctor_looks_here_at_once_and_everywhere_when_asked(
    admin: Browser, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    monkeypatch.setattr(type(gateway.graph), "date", lambda self: asked.append(self))

    first = admin.get("/inbox/house/doctor").text
    assert "A worker runs" in first and "Access token is valid" not in first
    assert asked == []
    whole = admin.post("/inbox/house/doctor").text

    assert "Access token is valid" in whole and "Who may read .env" in whole
    assert "What to do:" in whole and asked
    assert 'aria-current="page">Doctor' in whole


def test_a_batch_is_paused_resumed_and_cancelled(admin: Browser, gateway: Gateway) -> None:
    batch_id = batch(gateway)
    here = f"/inbox/house/batches/{batch_id}"

    for act, state in (("pause", "paused"), ("resume", "running"), ("cancel", "cancelled")):
        admin.get("/inbox/house/batches")
        assert admin.post(f"{here}/{act}").status_code == 303
        assert gateway.batches.find(batch_id, None).state in (state, "finished")
    assert admin.post(f"{here}/other").status_code == 404


def test_without_the_forms_token_nothing_changes(
    app: Flask, admin: Browser, gateway: Gateway, database: Database, receive: Callable[..., None]
) -> None:
    row, _ = gateway.manage_endpoints.add({"url": "https://app.example/"})
    receive(message_body(text()))
    [delivery_id] = bury(database)
    values = {"endpoint_id": row.id, "delivery_id": str(delivery_id), "phone_number_id": PNID, "act": "cancel",
              "batch_id": batch(gateway), "notification_id": "x"}  # fmt: skip
    tried = 0
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith("inbox_house.") and "POST" in (rule.methods or ()):
            path = rule.rule
            for name, value in values.items():
                path = path.replace(f"<{name}>", value)
            assert admin.open(path, "POST", headers={"X-CSRFToken": "wrong"}).status_code == 403, path
            tried += 1

    assert tried >= 16
    assert pending(database) == []
    assert [each.paused for each in gateway.manage_endpoints.list()] == [False]


def test_what_others_write_is_shown_as_text(
    admin: Browser, gateway: Gateway, database: Database, receive: Callable[..., None]
) -> None:
    row, _ = gateway.manage_endpoints.add({"url": "https://app.example/?x=<b>", "description": HOSTILE})
    receive(message_body(text(HOSTILE), {"type": HOSTILE, "id": HOSTILE}))
    [*_, delivery_id] = bury(database, HOSTILE)
    _open_alert(database, HOSTILE)
    batch(gateway, HOSTILE)
    with database.write() as session:
        for each in session.scalars(select(Notification)):
            each.reason = HOSTILE
        session.add(
            PricedMessages(phone_number_id=PNID, day=datetime.now(UTC).date().isoformat(), category=HOSTILE[:60],
                           type="x", billable=1, messages=1)
        )  # fmt: skip
        session.add(
            DeliveryAttempt(delivery_id=delivery_id, number=1, started_at=datetime.now(UTC), duration_ms=1,
                            error=HOSTILE, answer=HOSTILE, note=HOSTILE)
        )  # fmt: skip
        [notification_id, *_] = session.scalars(select(Notification.id))
    seen = 0
    for path in [
        *PAGES, f"/inbox/house/endpoints/{row.id}", f"/inbox/house/endpoints/{row.id}/deliveries",
        f"/inbox/house/deliveries/{delivery_id}", f"/inbox/house/webhooks/{notification_id}",
    ]:  # fmt: skip
        page = admin.get(path)
        assert page.status_code == 200, path
        assert "<script>alert" not in page.text and "<img src=x" not in page.text, path
        seen += "&lt;script&gt;alert" in page.text
    assert seen >= 7


def tile(page: str, label: str) -> str:
    """Return the value of a tile."""
    name = rf"<dt>(?:<a [^>]*>)?{re.escape(label)}(?:</a>)?</dt>"
    found = re.search(rf'{name}\s*<dd><span class="tile-value">([^<]*)', page)
    assert found, label
    return found[1]


def bury(database: Database, reason: str = "HTTP 500") -> list[int]:
    """Make every delivery a dead letter."""
    with database.write() as session:
        for row in session.scalars(select(Delivery)):
            row.state, row.due_at, row.finished_at, row.reason = "dead", None, datetime.now(UTC), reason
    with database.read() as session:
        return list(session.scalars(select(Delivery.id).order_by(Delivery.id)))


def pending(database: Database) -> list[int]:
    """Return the deliveries that wait."""
    with database.read() as session:
        return list(session.scalars(select(Delivery.id).where(Delivery.state == "pending").order_by(Delivery.id)))


def batch(gateway: Gateway, name: str = "Spring") -> str:
    """Queue two messages as a batch."""
    from app.schemas.send import read_send_request

    items: Any = [
        (read_send_request({"to": f"+549111234567{n}", "message": "Hola", "force": True, "mode": "queued"}, None), None)
        for n in range(2)
    ]
    added = gateway.batches.add(items, name[:200], PNID, None)
    assert added.batch_id
    return added.batch_id


def _open_alert(database: Database, subject: str = "spring (es)") -> None:
    now = datetime.now(UTC)
    with database.write() as session:
        session.add(
            Alert(id=new_id(), kind="template_paused", subject=subject, details={"x": subject}, count=1,
                  first_raised_at=now, last_raised_at=now)
        )  # fmt: skip
