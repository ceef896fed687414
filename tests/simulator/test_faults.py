from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import requests
from flask.testing import FlaskClient

from simulator.faults.rules import AFTER, BEFORE, Fault, Faults, parse_fault
from simulator.server import SimulatorServer
from simulator.settings import SimulatorSettings
from tests.simulator.conftest import ANA, NUMBER, QUICK, post_message, write
from tests.simulator.receiver import Receiver

TEXT = {"type": "text", "text": {"body": "Hola"}}
BODY = {"messaging_product": "whatsapp", "to": f"+{ANA}", **TEXT}


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        ("cut", Fault("cut")),
        ("timeout share=0.02 seconds=30", Fault("timeout", share=0.02, seconds=30.0)),
        ("code code=131056 to=+5491112345678 times=3", Fault("code", code=131056, to="+5491112345678", times=3)),
        ("html status=503 on=any", Fault("html", status=503, on="any")),
    ],
)
def test_a_fault_is_written_in_one_line(written: str, fault: Fault) -> None:
    assert parse_fault(written) == fault


@pytest.mark.parametrize("written", ["", "earthquake", "cut share=2", "cut colour=blue", "cut share=much", "cut on=x"])
def test_a_fault_that_cannot_be_is_refused(written: str) -> None:
    with pytest.raises(ValueError):
        parse_fault(written)


def test_with_a_seed_the_same_requests_are_struck_again() -> None:
    fault = Fault("cut", share=0.5)

    first = [Faults(3, [fault]).draw(AFTER) for _ in range(1)]
    runs = [[faults.draw(AFTER) is not None for _ in range(50)] for faults in (Faults(3, [fault]), Faults(3, [fault]))]

    assert first[0] in (fault, None)
    assert runs[0] == runs[1]
    assert 10 < sum(runs[0]) < 40


def test_a_fault_strikes_only_whom_and_as_often_as_it_says() -> None:
    faults = Faults(1, [Fault("code", to=f"+{ANA}", times=1)])

    drawn = [faults.draw(BEFORE, to=to) is not None for to in ("+34600111222", ANA, ANA)]

    assert drawn == [False, True, False]
    assert faults.to_json()[0]["happened"] == 1


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (Fault("throttle"), 429, 130429),
        (Fault("code", code=131056), 400, 131056),
        (Fault("code", code=131000), 500, 131000),
    ],
)
def test_a_refusal_by_rule_accepts_nothing(
    make_client: Callable[..., FlaskClient], fault: Fault, status: int, code: int
) -> None:
    client = make_client(faults=(fault,))

    answer = post_message(client, **TEXT)

    assert (answer.status_code, answer.json["error"]["code"]) == (status, code)
    assert client.get("/simulator/api/accepted").json["data"] == []


@pytest.mark.parametrize(("kind", "accepted"), [("html", 0), ("html-after", 1)])
def test_an_error_page_may_come_before_or_after_the_message_was_accepted(
    make_client: Callable[..., FlaskClient], kind: str, accepted: int
) -> None:
    client = make_client(faults=(Fault(kind, status=503),))

    answer = post_message(client, **TEXT)

    assert (answer.status_code, answer.mimetype) == (503, "text/html")
    assert len(client.get("/simulator/api/accepted").json["data"]) == accepted


@pytest.fixture
def serve(settings: SimulatorSettings) -> Iterator[Callable[..., SimulatorServer]]:
    """Starts a simulator that listens, with faults."""
    servers: list[SimulatorServer] = []

    def start(*faults: Fault) -> SimulatorServer:
        servers.append(SimulatorServer(replace(settings, port=0, faults=faults)))
        servers[-1].start()
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.mark.parametrize(
    ("fault", "error", "accepted"),
    [
        (Fault("reset", times=1), requests.ConnectionError, 0),
        (Fault("cut", times=1), requests.ConnectionError, 1),
        (Fault("timeout", seconds=1.0, times=1), requests.ReadTimeout, 1),
        (Fault("delay", seconds=1.0, times=1), requests.ReadTimeout, 0),
    ],
)
def test_an_answer_may_never_come(
    serve: Callable[..., SimulatorServer], fault: Fault, error: type[Exception], accepted: int
) -> None:
    server = serve(fault)

    with pytest.raises(error):
        _post(server, timeout=0.5)

    assert len(server.simulator.world.accepted) == accepted
    assert _post(server, timeout=5).status_code == 200


def test_silence_leaves_an_accepted_message_without_statuses(
    make_client: Callable[..., FlaskClient], receiver: Receiver
) -> None:
    client = make_client(faults=(Fault("silence", times=1),))
    silent = post_message(client, **TEXT).json["messages"][0]["id"]
    post_message(client, **TEXT)

    statuses = receiver.wait(receiver.statuses, 3)

    assert silent not in {status["id"] for status in statuses}


def test_a_message_may_fail_after_it_was_accepted(
    make_client: Callable[..., FlaskClient], receiver: Receiver
) -> None:
    client = make_client(faults=(Fault("fail", code=131049),))

    post_message(client, **TEXT)

    (status,) = receiver.wait(receiver.statuses, 1)
    assert (status["status"], status["errors"][0]["code"]) == ("failed", 131049)
    assert "pricing" not in status


def test_a_webhook_may_come_twice(make_client: Callable[..., FlaskClient], receiver: Receiver) -> None:
    client = make_client(faults=(Fault("duplicate", times=1),))

    write(client)

    first, second = receiver.wait(receiver.messages, 2)
    assert first == second


def test_a_later_webhook_may_overtake(make_client: Callable[..., FlaskClient], receiver: Receiver) -> None:
    client = make_client(faults=(Fault("reorder", times=1, seconds=0.4),))

    for text in ("one", "two"):
        write(client, text)

    assert [message["text"]["body"] for message in receiver.wait(receiver.messages, 2)] == ["two", "one"]


def test_faults_come_and_go_while_it_runs(client: FlaskClient) -> None:
    path = "/simulator/api/faults"

    fault_id = client.post(path, json={"kind": "code", "code": 131016}).json["id"]
    struck = post_message(client, **TEXT)
    client.delete(f"{path}/{fault_id}", json={})
    spared = post_message(client, **TEXT)

    assert (struck.status_code, spared.status_code) == (500, 200)
    assert client.get(path).json["data"] == []
    assert client.post(path, json={"kind": "earthquake"}).status_code == 400
    assert client.delete(f"{path}/{fault_id}", json={}).status_code == 404


def test_a_number_that_sends_too_fast_is_told_so(make_client: Callable[..., FlaskClient]) -> None:
    client = make_client(pace=replace(QUICK, messages_per_second=2))

    codes = [_code(post_message(client, **TEXT)) for _ in range(3)]

    assert codes == [None, None, 130429]


def test_a_burst_to_one_person_is_borrowed(make_client: Callable[..., FlaskClient]) -> None:
    client = make_client(pace=replace(QUICK, pair_burst=2))

    codes = [_code(post_message(client, **TEXT)) for _ in range(3)]
    elsewhere = _code(post_message(client, **TEXT, to="+34600111222"))
    client.post("/simulator/api/clock", json={"advance_seconds": 6})
    later = [_code(post_message(client, **TEXT)) for _ in range(2)]

    assert codes == [None, None, 131056]
    assert elsewhere is None
    assert later == [None, 131056]


def _code(answer: Any) -> int | None:
    code: int | None = answer.json.get("error", {}).get("code")
    return code


def _post(server: SimulatorServer, timeout: float) -> requests.Response:
    url, headers = f"{server.url}/v26.0/{NUMBER}/messages", {"Authorization": "Bearer EAAsimulated"}
    return requests.post(url, json=BODY, headers=headers, timeout=timeout)
