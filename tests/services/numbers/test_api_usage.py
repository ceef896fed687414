"""What Graph says of its quota, kept and shown."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import responses

from app.clock import utc_now
from app.container import Gateway
from app.domain.api_usage import ApiUsage
from app.errors import GraphThrottled, Unavailable
from app.services.numbers import api_usage
from app.services.numbers.api_usage import RecordApiUsage
from app.store import numbers
from tests.conftest import ACCESS_TOKEN, API_KEY, Clock, on_sqlite
from tests.factories import OTHER_PNID, OTHER_WABA, PNID, WABA

Get = Callable[..., Any]
USAGE = {"call_count": 28, "total_time": 25, "total_cputime": 26}


def test_it_is_shown_with_the_statistics(gateway: Gateway, graph: responses.RequestsMock, get: Get) -> None:
    account = {WABA: [USAGE | {"type": "messages", "estimated_time_to_regain_access": 19}]}
    headers = {"X-App-Usage": json.dumps(USAGE), "X-Business-Use-Case-Usage": json.dumps(account)}
    graph.get(f"https://graph.example/v26.0/{PNID}", json={"id": PNID}, headers=headers)

    gateway.graph.request("GET", PNID, token=ACCESS_TOKEN)

    of_app, of_account = get("/api/stats")["api_usage"]
    assert of_app.pop("seen_at") == of_account.pop("seen_at")
    assert of_app == USAGE | {"app": "default", "waba_id": "", "kind": "", "minutes_to_wait": 0}
    assert of_account == USAGE | {"app": "default", "waba_id": WABA, "kind": "messages", "minutes_to_wait": 19}


@on_sqlite
def test_a_refusal_tells_too(gateway: Gateway, graph: responses.RequestsMock, get: Get) -> None:
    error = {"error": {"code": 80007, "message": "too many calls"}}
    graph.get(
        f"https://graph.example/v26.0/{PNID}", status=400, json=error, headers={"X-App-Usage": json.dumps(USAGE)}
    )

    with pytest.raises(GraphThrottled):
        gateway.graph.request("GET", PNID, token=ACCESS_TOKEN)

    assert [each["call_count"] for each in get("/api/stats")["api_usage"]] == [28]


def test_the_newest_is_kept_and_written_now_and_then(gateway: Gateway, get: Get, clock: Clock) -> None:
    moment = [0.0]
    note = RecordApiUsage(gateway.database, gateway.directory, clock, lambda: moment[0])

    note(ACCESS_TOKEN, [ApiUsage(1, 1, 1)])
    for percent in range(2, 6):
        note(ACCESS_TOKEN, [ApiUsage(percent, 1, 1)])
    before = get("/api/stats")["api_usage"]
    moment[0] += api_usage.PAUSE_SECONDS
    note(ACCESS_TOKEN, [ApiUsage(1, 1, 1, WABA, "messages")])

    assert [each["call_count"] for each in before] == [1]
    assert [each["call_count"] for each in get("/api/stats")["api_usage"]] == [5, 1]


def test_what_another_process_heard_later_stays(gateway: Gateway, get: Get, clock: Clock) -> None:
    one, other = (RecordApiUsage(gateway.database, gateway.directory, clock) for _ in range(2))

    one(ACCESS_TOKEN, [ApiUsage(50, 1, 1)])
    clock.pass_by(seconds=-5)
    other(ACCESS_TOKEN, [ApiUsage(40, 1, 1)])

    assert [each["call_count"] for each in get("/api/stats")["api_usage"]] == [50]


@on_sqlite
def test_of_a_token_that_is_no_numbers_nothing_is_kept(gateway: Gateway, get: Get) -> None:
    RecordApiUsage(gateway.database, gateway.directory, utc_now)("EAAanother", [ApiUsage(1, 1, 1)])

    assert get("/api/stats")["api_usage"] == []


@on_sqlite
def test_a_database_that_is_away_is_no_trouble_for_the_caller(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise Unavailable

    monkeypatch.setattr(gateway.database, "write", away)

    RecordApiUsage(gateway.database, gateway.directory, utc_now)(ACCESS_TOKEN, [ApiUsage(1, 1, 1)])


@on_sqlite
def test_a_key_sees_only_what_its_numbers_have_used(gateway: Gateway, get: Get) -> None:
    now = utc_now()
    row = {
        "phone_number_id": OTHER_PNID,
        "waba_id": OTHER_WABA,
        "app": "another",
        "created_at": now,
        "updated_at": now,
    }
    with gateway.database.write() as session:
        numbers.save(session, row)
    gateway.directory.refresh()
    note = RecordApiUsage(gateway.database, gateway.directory, utc_now)
    note(ACCESS_TOKEN, [ApiUsage(1, 1, 1), ApiUsage(2, 1, 1, WABA, "messages")])
    key = gateway.api_keys.make("bound", ["read"], [OTHER_PNID])

    assert get("/api/stats", key=key)["api_usage"] == []
    assert get("/api/stats", key=API_KEY, phone_number_id=OTHER_PNID)["api_usage"] == []
    assert len(get("/api/stats", key=API_KEY)["api_usage"]) == 2


@pytest.fixture
def graph() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as mock:
        yield mock
