from __future__ import annotations

import os
from contextlib import ExitStack

import pytest
import requests

from simulator.settings import MetaApp, SimulatorSettings
from simulator.testing import QUICK, MetaStandIn, make_meta, meta
from tests.simulator.conftest import ANA, NUMBER
from tests.simulator.receiver import SECRET, Receiver

__all__ = ["make_meta", "meta"]


@pytest.fixture
def simulator_settings(receiver: Receiver) -> SimulatorSettings:
    return SimulatorSettings(port=0, pace=QUICK, seed=1, apps=(MetaApp(app_secret=SECRET, webhook_url=receiver.url),))


def test_a_customer_writes_and_is_answered(meta: MetaStandIn, receiver: Receiver) -> None:
    meta.write("Hola")
    receiver.wait(receiver.messages, 1)

    send(meta, "Buenas")

    (answer,) = meta.wait_for_answers()
    assert answer.content == {"body": "Buenas"}


def test_an_answer_that_does_not_come_fails_the_test(meta: MetaStandIn) -> None:
    with pytest.raises(AssertionError, match="0 of 1 answers"):
        meta.wait_for_answers(seconds=0.05)


def test_it_finds_what_was_sent_twice(meta: MetaStandIn) -> None:
    for tag in ("g1", "g2", "g1"):
        send(meta, "x", tag)

    assert len(meta.accepted) == 3
    assert meta.sent_twice() == ["g1"]


def test_faults_blocks_and_the_clock_are_at_hand(meta: MetaStandIn, receiver: Receiver) -> None:
    meta.write("Hola")
    meta.add_fault("code", code=131016, times=1)
    struck = send(meta, "x").status_code
    meta.clear_faults()
    meta.advance_clock(25 * 3600)
    send(meta, "too late")
    meta.block()
    send(meta, "unwanted")

    codes = {status["errors"][0]["code"] for status in receiver.wait(receiver.statuses, 2)}

    assert struck == 500
    assert codes == {131047, 131026}


def send(meta: MetaStandIn, text: str, tag: str = "g0") -> requests.Response:
    body = {"messaging_product": "whatsapp", "to": f"+{ANA}", "type": "text", "text": {"body": text}}
    return requests.post(
        f"{meta.url}/v26.0/{NUMBER}/messages",
        json={**body, "biz_opaque_callback_data": tag},
        headers={"Authorization": "Bearer EAAsimulated"},
        timeout=5,
    )


def test_it_answers_where_a_thousand_descriptors_are_open(request: pytest.FixtureRequest) -> None:
    """`select()` takes none above 1023, and long test suites get there."""
    with ExitStack() as files:
        for _ in range(1_100):
            files.enter_context(open(os.devnull, "rb"))
        answer = requests.get(f"{request.getfixturevalue('meta').url}/v26.0/{NUMBER}", timeout=5)

    assert answer.status_code < 500
