"""Ctrl-C, a deploy, a service manager: whatever is sent SIGINT or SIGTERM, nothing in hand is dropped.

Long form, every signal to every target: `DRILL=long .venv/bin/pytest tests/drills/test_stops.py`.
"""

from __future__ import annotations

import itertools
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from tests.drills.conftest import IS_LONG
from tests.drills.test_servers import UWSGI
from tests.load.gateway import APP_SECRET, Gateway, running
from tests.load.in_flight import TOKEN, SlowMeta, begun, bulk, calls, headers, send, send_until_taken, states, wait_for
from tests.load.together import Drill, together

SENDS = 18
DRILL_SECONDS = 240.0


def _master(gateway: Gateway, number: signal.Signals) -> None:
    assert gateway.process is not None
    gateway.process.send_signal(number)


def _group(gateway: Gateway, number: signal.Signals) -> None:
    """As a terminal does; twice, as an impatient person does."""
    assert gateway.process is not None
    os.killpg(gateway.process.pid, number)
    time.sleep(0.5)
    os.killpg(gateway.process.pid, number)


def _all(gateway: Gateway, number: signal.Signals) -> None:
    """As systemd and Heroku do; the master last, which is the worst order."""
    assert gateway.process is not None
    for process in gateway.processes():
        if process.pid != gateway.process.pid:
            process.send_signal(number)
    gateway.process.send_signal(number)


TARGETS: dict[str, Callable[[Gateway, signal.Signals], None]] = {"master": _master, "group": _group, "all": _all}
CASES = {
    f"{number.name} to {target}": (number, target)
    for number in (signal.SIGINT, signal.SIGTERM)
    for target in TARGETS
    if IS_LONG or (number.name, target) in (("SIGINT", "group"),)
}


def _drop_nothing(number: signal.Signals, target: str, directory: Path) -> None:
    gateway = Gateway(directory)
    is_signalled = threading.Event()
    with SlowMeta() as meta, ThreadPoolExecutor(SENDS) as pool:
        gateway.extra = {"GRAPH_API_URL": meta.url, "WHATSAPP_ACCESS_TOKEN": TOKEN}
        with running(gateway, ready=False):
            gateway.wait_ready(120)
            waiting = [pool.submit(send_until_taken, gateway, each, is_signalled) for each in range(SENDS)]
            wait_for(lambda: begun(gateway) >= SENDS)
            gateway.request("POST", "/api/messages/bulk", bulk(), headers("application/json"))
            # At Meta, and not only begun: what has not left when a worker stops goes back to its queue.
            wait_for(lambda: calls(meta) >= SENDS + 1)

            is_signalled.set()
            TARGETS[target](gateway, number)

            answers = [each.result(60) for each in waiting]
            assert gateway.process is not None
            assert gateway.process.wait(60) == 0, gateway.tail()
            assert [answer.status for answer in answers] == [200] * SENDS, gateway.tail()
            wait_for(lambda: not gateway.processes())
            found = states(gateway)
    assert set(found) <= {"accepted", "queued"}, found
    assert found["accepted"] >= SENDS + 1
    assert "starting it again" not in gateway.tail(20_000)


def _drain(directory: Path) -> None:
    """With every process sent SIGTERM, everything still works for as long as the drain lasts, and says so."""
    gateway = Gateway(directory, {"DRAIN_SECONDS": "6", "SIMULATOR": "1", "SIMULATOR_APP_SECRET": APP_SECRET})
    gateway.extra = {**gateway.extra, "WHATSAPP_ACCESS_TOKEN": "", "GRAPH_API_URL": "", "HANDLERS": "tests.bots"}
    with running(gateway, ready=False):
        gateway.wait_ready(120)
        gateway.wait_simulator(60)
        wait_for(lambda: gateway.get("/readyz").json()["worker"]["state"] == "running")
        web = {process.pid for process in gateway.web_workers()}

        _all(gateway, signal.SIGTERM)
        began = time.monotonic()

        wait_for(lambda: gateway.get("/readyz").status == 503)
        recipients = itertools.count(1)  # many: one alone is written to 45 times at once at the most
        while time.monotonic() - began < 4:
            assert gateway.get("/readyz").json()["draining"] is True
            assert send(gateway, next(recipients)).status == 200
            time.sleep(0.05)
        assert {process.pid for process in gateway.web_workers()} == web
        assert gateway.process is not None and gateway.process.wait(60) == 0
    assert "starting it again" not in gateway.tail(20_000)


def _uwsgi(directory: Path) -> None:
    """The documented command answers requests in flight, too; `--die-on-term` would not."""
    gateway = Gateway(directory, command=(*UWSGI, "--module=wsgi:app"))
    with SlowMeta() as meta, ThreadPoolExecutor(3) as pool:
        gateway.extra = {"GRAPH_API_URL": meta.url, "WHATSAPP_ACCESS_TOKEN": TOKEN, "WORKER": "external"}
        with running(gateway, ready=False):
            gateway.wait_ready(120)
            is_signalled = threading.Event()
            waiting = [pool.submit(send_until_taken, gateway, each, is_signalled) for each in range(3)]
            # Counted here: on a busy machine a look into the database takes longer than Meta takes to answer.
            wait_for(lambda: calls(meta) >= 3)
            assert not any(each.done() for each in waiting), gateway.tail()
            is_signalled.set()

            _master(gateway, signal.SIGTERM)

            assert [each.result(60).status for each in waiting] == [200] * 3


@pytest.fixture(scope="module")
def drills(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[None]]]:
    stops: dict[str, Drill] = {name: partial(_drop_nothing, *case) for name, case in CASES.items()}
    stops |= {"drain": _drain, "uWSGI": _uwsgi}
    with together(stops, tmp_path_factory.mktemp("stops"), at_once=2) as running_drills:
        yield running_drills


@pytest.mark.parametrize("case", CASES)
def test_every_send_in_flight_is_answered(drills: dict[str, Future[None]], case: str) -> None:
    drills[case].result(DRILL_SECONDS)


def test_it_drains_although_every_process_was_signalled(drills: dict[str, Future[None]]) -> None:
    drills["drain"].result(DRILL_SECONDS)


def test_under_uwsgi_as_documented_too(drills: dict[str, Future[None]]) -> None:
    drills["uWSGI"].result(DRILL_SECONDS)
