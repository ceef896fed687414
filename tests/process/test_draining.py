"""What a process does that is sent SIGTERM or SIGINT: nothing before its master says so, unless it alone was meant."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from app.config.parsers import ROOT
from app.process import draining
from app.process.draining import Phase

PROGRAM = """
import sys, time
from app.process import draining
stopped = []
draining.LEADER_SECONDS = float(sys.argv[1])
draining.follow(lambda number, frame: stopped.append(number))
print("ready", flush=True)
while not stopped:
    time.sleep(0.02)
print("stopped in phase", int(draining.phase()), flush=True)
"""
SIGNALS = (signal.SIGTERM, signal.SIGINT)


@pytest.mark.parametrize("number", SIGNALS)
def test_without_a_master_it_stops_at_once(number: signal.Signals) -> None:
    process = _start(led=False, leader_seconds=60)

    process.send_signal(number)

    assert _rest(process) == "stopped in phase 0"


@pytest.mark.parametrize("number", SIGNALS)
def test_while_its_master_drains_it_goes_on_until_the_master_stops(number: signal.Signals, serving: None) -> None:
    process = _start(led=True, leader_seconds=60)

    process.send_signal(number)
    draining.enter(Phase.DRAINING)
    process.send_signal(number)
    time.sleep(0.3)  # nothing may happen, so there is nothing to wait for
    assert process.poll() is None
    draining.enter(Phase.STOPPING)

    assert _rest(process) == "stopped in phase 2"


def test_it_stops_when_the_master_asks_for_it(serving: None) -> None:
    process = _start(led=True, leader_seconds=60)

    draining.enter(Phase.STOPPING)
    process.send_signal(signal.SIGTERM)

    assert _rest(process) == "stopped in phase 2"


def test_a_signal_for_this_process_alone_stops_it_although_it_has_a_master(serving: None) -> None:
    process = _start(led=True, leader_seconds=0.2)

    process.send_signal(signal.SIGTERM)

    assert _rest(process) == "stopped in phase 0"


def _start(*, led: bool, leader_seconds: float) -> subprocess.Popen[str]:
    environ = dict(os.environ) | ({draining.DESCRIPTOR: str(draining.descriptor())} if led else {})
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(leader_seconds)], cwd=ROOT, env=environ, text=True,
        stdout=subprocess.PIPE, pass_fds=[draining.descriptor()] if led else [],
    )  # fmt: skip
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    return process


def _rest(process: subprocess.Popen[str]) -> str:
    output, _ = process.communicate(timeout=30)
    return output.strip()


@pytest.fixture
def serving() -> Iterator[None]:
    yield
    draining.enter(Phase.SERVING)
