"""The web server's children: started, started again, stopped, and told whose they are."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from app.process import supervisor
from app.process.supervisor import Children, commands

WRITE_PARENT = "import os, pathlib, sys; pathlib.Path(sys.argv[1]).write_text(os.environ['PARENT_PID'])"
COUNT = "import sys; open(sys.argv[1], 'a').write('x')"
SLEEP = "import time; time.sleep(60)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(60)"


def test_a_child_is_told_who_started_it(tmp_path: Path) -> None:
    children = Children({"a": [sys.executable, "-c", WRITE_PARENT, str(tmp_path / "pid")]}, os.environ)

    children.start()

    _wait_until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text() != "")
    children.stop()
    children.wait(5)
    assert (tmp_path / "pid").read_text() == str(os.getpid())


def test_a_child_that_ends_is_started_again(tmp_path: Path) -> None:
    children = Children({"a": [sys.executable, "-c", COUNT, str(tmp_path / "starts")]}, os.environ)

    children.start()

    _wait_until(lambda: (tmp_path / "starts").exists() and len((tmp_path / "starts").read_text()) >= 2)
    children.stop()
    children.wait(5)


def test_children_stop_together_even_those_who_do_not_listen() -> None:
    children = Children({"a": [sys.executable, "-c", SLEEP], "b": [sys.executable, "-c", STUBBORN]}, os.environ)
    children.start()

    children.stop()
    children.wait(1)

    _wait_until(lambda: all(child.poll() is not None for child in children._running.values()))


def test_one_child_is_stopped_before_the_others(tmp_path: Path) -> None:
    children = Children({"a": [sys.executable, "-c", SLEEP], "b": [sys.executable, "-c", SLEEP]}, os.environ)
    children.start()

    children.stop("a")
    children.wait(20, "a")

    assert children._running["a"].poll() is not None
    assert children._running["b"].poll() is None
    children.stop()
    children.wait(20)


def test_children_wait_for_what_is_needed_first(tmp_path: Path) -> None:
    may_start = threading.Event()
    children = Children({"a": [sys.executable, "-c", COUNT, str(tmp_path / "starts")]}, os.environ)

    children.start(after=may_start.is_set)

    assert not children._running
    may_start.set()
    _wait_until((tmp_path / "starts").exists)
    children.stop()
    children.wait(5)


def test_a_child_can_be_waited_for_as_soon_as_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its output had no reader yet: the wait raised, and what else was to be ended was left running."""

    class Slow(threading.Thread):
        def start(self) -> None:
            if self.name.startswith("lines of"):
                time.sleep(0.3)
            super().start()

    monkeypatch.setattr(supervisor.threading, "Thread", Slow)
    children = Children({"a": [sys.executable, "-c", SLEEP]}, os.environ)
    children.start(after=lambda: True)
    _wait_until(lambda: children._running)

    children.stop()
    children.wait(5)


def test_children_that_wait_are_not_started_once_they_are_held(tmp_path: Path) -> None:
    children = Children({"a": [sys.executable, "-c", SLEEP]}, os.environ)
    children.start(after=lambda: False)

    children.stop()
    children.wait(5)

    _wait_until(lambda: all(each.name != "children" for each in threading.enumerate()))
    assert not children._running


def test_children_do_not_wait_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "LATEST_SECONDS", 0.05)
    children = Children({"a": [sys.executable, "-c", COUNT, str(tmp_path / "starts")]}, os.environ)

    children.start(after=lambda: False)

    _wait_until((tmp_path / "starts").exists)
    children.stop()
    children.wait(5)


def test_nothing_is_started_again_once_they_are_held(tmp_path: Path) -> None:
    told: list[str] = []
    children = Children({"a": [sys.executable, "-c", SLEEP]}, os.environ, tell=told.append)
    children.start()

    children.hold()
    children._running["a"].kill()
    _wait_until(lambda: children._running["a"].poll() is not None)
    children._spawn("a")  # what the watching thread would do

    assert children._running["a"].poll() is not None
    assert told == []


def test_a_child_is_started_again_although_nobody_can_be_told(tmp_path: Path) -> None:
    def tell(line: str) -> None:
        raise BrokenPipeError

    children = Children({"a": [sys.executable, "-c", COUNT, str(tmp_path / "starts")]}, os.environ, tell=tell)

    children.start()

    _wait_until(lambda: (tmp_path / "starts").exists() and len((tmp_path / "starts").read_text()) >= 2)
    children.stop()
    children.wait(5)


def test_one_that_keeps_ending_delays_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(supervisor, "_Restart", partial(supervisor._Restart, pause=3600.0))
    told: list[str] = []
    children = Children(
        {"a": [sys.executable, "-c", "raise SystemExit"], "b": [sys.executable, "-c", SLEEP]}, os.environ,
        tell=told.append,
    )  # fmt: skip
    children.start()
    _wait_until(lambda: any(line.startswith("a (pid") for line in told))
    first = children._running["b"]

    children.renew(os.environ, "b")

    _wait_until(lambda: children._running.get("b", first).pid != first.pid)
    children.stop()
    children.wait(5)


def test_a_renewed_child_has_the_new_environment_at_once(tmp_path: Path) -> None:
    told: list[str] = []
    command = "import os, time; print('value', os.environ['VALUE']); time.sleep(60)"
    children = Children({"a": [sys.executable, "-c", command]}, {**os.environ, "VALUE": "old"}, tell=told.append)
    children.start()
    _wait_until(lambda: "value old\n" in told)

    children.renew({**os.environ, "VALUE": "new"}, "a")

    _wait_until(lambda: "value new\n" in told)
    children.stop()
    children.wait(5)
    assert told == ["value old\n", "value new\n"]  # it did not end by itself, and nobody need be told


def test_one_that_cannot_be_started_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "program"
    told: list[str] = []
    children = Children({"a": [str(program)]}, os.environ, tell=told.append)
    children.start()
    _wait_until(lambda: "a cannot be started (FileNotFoundError)\n" in told)

    program.write_text("#!/bin/sh\necho started\nsleep 60\n")
    program.chmod(0o755)

    _wait_until(lambda: "started\n" in told)
    children.stop()
    children.wait(5)


def test_only_what_is_wanted_is_started() -> None:
    assert not commands(worker=False, simulator=False, echo_bot=False, root="/")
    everything = commands(worker=True, simulator=True, echo_bot=True, root="/")
    assert set(everything) == {"worker", "simulator", "echo bot"}


def _wait_until(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)
