from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import responses
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.container import Gateway
from app.db.database import Database
from app.models import Delivery, DeliveryAttempt, Event, PricedMessages, SendAttempt, Traffic
from app.services.operations.traffic import CountTraffic
from app.store import traffic, traffic_sources
from tests.conftest import API_KEY
from tests.factories import ANA, BO, OTHER_PNID, PNID, echo, echo_body, message_body, status, status_body, text, wamid

Get = Callable[..., Any]
Receive = Callable[..., None]
HEADERS = {"Authorization": f"Bearer {API_KEY}"}
SERVICE = {"billable": True, "pricing_model": "PMP", "type": "regular", "category": "service"}
DAY = "2021-09-30"


def test_what_came_and_went_is_counted_once(receive: Receive, database: Database, get: Get) -> None:
    receive(message_body(text(), text(sender=BO)), message_body(text(), number=OTHER_PNID))
    receive(echo_body(echo("wamid.E")), status_body(status("wamid.E", "failed")))

    count_all(database)
    count_all(database)

    stats, of_one = get("/api/stats"), get("/api/stats", phone_number_id=OTHER_PNID)
    assert (stats["inbound"]["messages"], stats["outbound"]["messages"], stats["sends"]["failed"]) == (3, 1, 1)
    assert stats["inbound"]["per_minute"] == pytest.approx(3 / 1440, rel=0.01)
    assert stats["webhook_to_processed"]["times"] == 5
    assert 0 <= stats["webhook_to_processed"]["average"] <= stats["webhook_to_processed"]["longest"] < 60
    assert (of_one["inbound"]["messages"], of_one["outbound"]["messages"]) == (1, 0)


def test_sends_are_counted_by_how_they_ended(database: Database, client: FlaskClient, get: Get) -> None:
    with responses.RequestsMock() as graph:
        url = f"https://graph.example/v26.0/{PNID}/messages"
        for _ in range(3):
            graph.post(url, json={"messages": [{"id": wamid()}]})
        graph.post(url, status=400, json={"error": {"code": 131026, "message": "no"}})
        for n in range(4):
            client.post("/send/whatsapp", json={"to": f"+{ANA}", "message": f"{n}", "force": True}, headers=HEADERS)

    count_all(database)

    stats = get("/api/stats")
    assert stats["sends"] == {"accepted": 3, "refused": 1, "unknown": 0, "failed": 0, "error_rate": 0.25}
    assert (stats["outbound"]["messages"], stats["send"]["times"]) == (3, 4)


def test_a_try_that_may_still_end_is_waited_for(receive: Receive, database: Database, get: Get) -> None:
    receive(echo_body(echo("wamid.E")))
    (message,) = get("/api/messages")["data"]
    with database.write() as session:
        for number, state in ((1, "unknown"), (2, "sending"), (3, "accepted")):
            row = SendAttempt(message_id=message["id"], number=number, state=state, started_at=datetime.now(UTC))
            row.finished_at = None if state == "sending" else datetime.now(UTC)
            session.add(row)
            session.flush()
    count_all(database)
    before = get("/api/stats")["sends"]
    with database.write() as session:
        session.execute(update(SendAttempt).where(SendAttempt.state == "sending").values(state="accepted"))

    count_all(database)

    assert (before["unknown"], before["accepted"]) == (1, 0)
    assert get("/api/stats")["sends"]["accepted"] == 2


def test_two_that_count_at_once_count_once(
    receive: Receive, database: Database, get: Get, monkeypatch: pytest.MonkeyPatch
) -> None:
    receive(message_body(text()))
    advance = traffic.advance
    monkeypatch.setattr(traffic, "advance", lambda session, source, old, new: advance(session, source, old - 1, new))
    CountTraffic(database)(later())
    monkeypatch.setattr(traffic, "advance", advance)

    count_all(database)

    assert get("/api/stats")["inbound"]["messages"] == 1


def test_large_tables_are_counted_in_portions(
    receive: Receive, database: Database, get: Get, monkeypatch: pytest.MonkeyPatch
) -> None:
    receive(message_body(text()))
    count_all(database)  # PostgreSQL numbers on from earlier tests, and in portions of three that is a long way
    receive(message_body(*(text() for _ in range(7))))
    monkeypatch.setattr(traffic_sources, "BATCH_SIZE", 3)

    assert CountTraffic(database)(later()) is True
    count_all(database)

    assert get("/api/stats")["inbound"]["messages"] == 8


def test_of_a_longer_time_hours_are_told_and_minutes_are_forgotten(
    receive: Receive, database: Database, get: Get
) -> None:
    receive(message_body(text()))
    count_all(database)
    receive(message_body(text()))
    CountTraffic(database)(datetime.now(UTC) + timedelta(days=4))

    stats = get("/api/stats", since="2021-01-01T00:30:00Z")

    with database.read() as session:
        assert set(session.scalars(select(Traffic.seconds))) == {traffic.HOUR, traffic.DAY}
    assert stats["inbound"]["messages"] == 2
    assert stats["since"] == "2021-01-01T00:00:00Z"


PRICED = [
    ("sent", {"pricing": SERVICE}), ("delivered", {}), ("read", {"pricing": SERVICE}),
    ("delivered", {"pricing": SERVICE}),
]  # fmt: skip


@pytest.mark.parametrize("order", list(itertools.permutations(range(4)))[::3], ids=str)
@pytest.mark.parametrize("is_late", [False, True], ids=["known", "reports first"])
def test_a_message_is_priced_once_in_whatever_order_its_reports_come(
    receive: Receive, database: Database, get: Get, order: tuple[int, ...], is_late: bool
) -> None:
    reports = [status_body(status("wamid.E", PRICED[n][0], **PRICED[n][1])) for n in order]  # type: ignore[arg-type]
    message = echo_body(echo("wamid.E"))

    for body in [*reports, message] if is_late else [message, *reports]:
        receive(body)

    (price,) = get("/api/stats", since="2021-09-30T00:00:00Z", until="2021-10-01T00:00:00Z")["pricing"]
    assert price == {"phone_number_id": PNID, "day": DAY, "category": "service", "billable": 1, "free": 0}


def test_prices_are_told_by_number_day_and_category(receive: Receive, get: Get, gateway: Gateway) -> None:
    prices = [
        SERVICE, SERVICE, {**SERVICE, "billable": False, "type": "free_customer_service"},
        {**SERVICE, "type": "free_entry_point", "billable": False}, {"category": "marketing", "type": "regular"},
        {"x": 1},
    ]  # fmt: skip
    receive(echo_body(*(echo(f"wamid.{n}") for n in range(len(prices)))))
    receive(status_body(*(status(f"wamid.{n}", pricing=price) for n, price in enumerate(prices))))
    time = {"since": "2021-09-01T00:00:00Z", "until": "2021-10-01T00:00:00Z"}

    stats = get("/api/stats", **time)

    found = {price["category"]: (price["billable"], price["free"]) for price in stats["pricing"]}
    assert found == {"service": (2, 2), "marketing": (1, 0), "unknown": (1, 0)}
    key = gateway.api_keys.make("other", ["read"], [OTHER_PNID])
    assert get("/api/stats", key, **time)["pricing"] == []


def test_the_months_free_messages_are_counted(database: Database, get: Get) -> None:
    month = datetime.now(UTC).strftime("%Y-%m")
    counts = [(f"{month}-01", "regular", 700), (f"{month}-01", "free_entry_point", 50), ("2021-01-01", "regular", 9)]
    with database.write() as session:
        for day, kind, count in counts:
            number = {"phone_number_id": PNID, "category": "service", "billable": 1}
            session.add(PricedMessages(day=day, type=kind, messages=count, **number))

    assert get("/api/stats")["free_service"] == [{"phone_number_id": PNID, "month": month, "used": 700, "of": 1000}]


def test_statistics_of_other_numbers_are_not_there(client: FlaskClient, gateway: Gateway) -> None:
    key = gateway.api_keys.make("bounded", ["read"], [PNID])

    answer = client.get(f"/api/stats?phone_number_id={OTHER_PNID}", headers={"Authorization": f"Bearer {key}"})

    assert answer.status_code == 404


def test_a_time_that_ends_before_it_begins_is_refused(client: FlaskClient) -> None:
    time = {"since": "2026-01-02T00:00:00Z", "until": "2026-01-02T00:00:00Z"}

    assert client.get("/api/stats", query_string=time, headers=HEADERS).status_code == 422


def test_quantiles_come_from_what_was_counted(receive: Receive, database: Database, get: Get) -> None:
    receive(message_body(text(), text()), message_body(text(), number=OTHER_PNID))
    with database.write() as session:
        for event in session.scalars(select(Event)):
            event.received_at = event.created_at - timedelta(seconds=4)
    count_all(database)

    stats = get("/api/stats", phone_number_id=PNID)

    assert stats["webhook_to_processed"]["times"] == 2
    latency = stats["webhook_to_processed"]
    assert 3 <= latency["p50"] <= latency["p99"] <= latency["longest"] < 4.9, "the end of the bucket is five seconds"
    assert stats["webhook_to_app"] == {"times": 0, "average": None, "longest": None, "p50": None, "p99": None}


def test_what_apps_accepted_is_counted_and_replays_have_no_duration(
    receive: Receive, database: Database, get: Get, gateway: Gateway
) -> None:
    endpoint, _ = gateway.manage_endpoints.add({"url": "https://app.example/"})
    receive(message_body(text(), text(), text()))
    now = datetime.now(UTC)
    with database.write() as session:
        session.execute(update(Event).values(received_at=now - timedelta(seconds=4)))
        for number, delivery in enumerate(session.scalars(select(Delivery).order_by(Delivery.id))):
            assert delivery.endpoint_id == endpoint.id
            delivery.is_replay = number == 2
            outcome = {"status": None, "error": "timeout"} if number == 1 else {"status": 200}
            session.add(
                DeliveryAttempt(delivery_id=delivery.id, number=1, started_at=now, duration_ms=10, **outcome)
            )

    count_all(database)

    [point] = get("/api/stats/series", step="day", since=now.replace(hour=0).isoformat())["data"]
    assert (point["delivered"], point["undelivered"]) == (2, 1)
    assert point["webhook_to_app"]["times"] == get("/api/stats")["webhook_to_app"]["times"] == 1
    assert 3 <= get("/api/stats")["webhook_to_app"]["p50"] <= 5


@pytest.mark.parametrize("step, seconds", [("minute", 60), ("hour", 3600), ("day", 86400)])
def test_a_series_has_a_point_for_each_step(
    receive: Receive, database: Database, get: Get, step: str, seconds: int
) -> None:
    receive(message_body(text(), text()))
    count_all(database)
    now = datetime.now(UTC)

    since = (now - 9 * timedelta(seconds=seconds)).isoformat()
    points = get("/api/stats/series", step=step, since=since, until=(now + timedelta(minutes=1)).isoformat())["data"]

    at = [datetime.fromisoformat(point["at"]) for point in points]
    assert len(at) in (10, 11)
    assert {later - earlier for earlier, later in itertools.pairwise(at)} == {timedelta(seconds=seconds)}
    assert sum(point["inbound"] for point in points) == 2
    assert [point["error_rate"] for point in points] == [None] * len(points)


def test_a_series_of_too_many_points_is_refused(client: FlaskClient) -> None:
    asked = {"step": "minute", "since": "2026-01-01T00:00:00Z", "until": "2026-01-03T00:00:00Z"}

    answer = client.get("/api/stats/series", query_string=asked, headers=HEADERS)

    assert answer.status_code == 422
    assert "1500 points" in answer.get_json()["error"]["fields"]["step"][0]


def later() -> datetime:
    return datetime.now(UTC) + timedelta(minutes=1)


def count_all(database: Database) -> None:
    count_traffic = CountTraffic(database)
    while count_traffic(later()):
        pass
