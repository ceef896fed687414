"""A lane in a process of Celery's: who works when, and that nobody works twice at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from app.errors import Unavailable
from app.jobs import lane_runner
from app.jobs.lane_runner import LaneRunner
from app.jobs.lane_work import Work
from app.jobs.lanes import LANES, Lane

PROCESS = next(lane for lane in LANES if lane.name == "process")
SWEEP = next(lane for lane in LANES if lane.name == "sweep")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane_runner, "LINGER_SECONDS", 0.1)
    monkeypatch.setattr(lane_runner, "RETRY_SECONDS", 0.0)


class Box:
    """Work that is counted."""

    def __init__(self, waiting: int = 0) -> None:
        self.waiting, self.rounds, self.under_way = waiting, 0, False
        self.is_carried = True
        self.stopping = threading.Event()

    def do(self) -> bool:
        self.rounds += 1
        self.waiting = max(0, self.waiting - 1)
        return bool(self.waiting)

    def runner(self, lane: Lane = PROCESS, do: Callable[[], bool] | None = None) -> LaneRunner:
        work = Work(do or self.do, is_at_rest=lambda: not self.under_way)
        is_due = None if lane.is_due is None else lambda: self.waiting > 0
        return LaneRunner(lane, work, is_due, lambda: self.is_carried, self.stopping)


def test_a_task_works_until_nothing_is_due_and_lingers_for_more() -> None:
    box = Box(waiting=3)

    assert box.runner().run() == "worked"
    assert box.waiting == 0
    assert box.rounds > 3


def test_a_task_ends_after_its_slice_and_what_is_under_way_goes_on_without_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane_runner, "SLICE_SECONDS", 0.05)
    box = Box(waiting=10**9)
    box.under_way = True
    runner = box.runner()

    runner.run()
    rounds = box.rounds
    box.waiting = 0

    assert runner.stand_in()
    assert box.rounds > rounds


def test_a_second_task_leaves_a_lane_that_is_worked_on_alone() -> None:
    box, entered, go_on = Box(), threading.Event(), threading.Event()

    def do() -> bool:
        entered.set()
        go_on.wait(5)
        return False

    runner = box.runner(do=do)
    first = threading.Thread(target=runner.run)
    first.start()
    entered.wait(5)

    assert runner.run() == "already at work"
    assert not runner.stand_in()
    go_on.set()
    first.join(5)


def test_work_that_no_nudge_told_of_is_found_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    box = Box(waiting=2)
    runner = box.runner()

    assert not runner.stand_in()
    monkeypatch.setattr(lane_runner, "PATIENCE_SECONDS", 0.0)

    assert runner.stand_in()
    assert box.waiting == 0


def test_without_a_broker_a_process_works_at_once_and_by_the_clock() -> None:
    due, clocked = Box(waiting=1), Box()
    due.is_carried = clocked.is_carried = False
    runner = clocked.runner(SWEEP)

    assert due.runner().stand_in()
    assert runner.stand_in()
    assert not runner.stand_in()  # its interval is five seconds
    assert (due.rounds > 0, clocked.rounds) == (True, 1)


def test_what_the_clock_starts_is_done_once_and_left_to_tasks_with_a_broker() -> None:
    box = Box()
    runner = box.runner(SWEEP)

    assert not runner.stand_in()
    runner.run()
    assert box.rounds == 1


@pytest.mark.parametrize("error", [Unavailable(reason="away"), ValueError("a bug")])
def test_an_error_ends_a_task_and_not_the_lane(error: Exception) -> None:
    box, errors = Box(waiting=1), [error]

    def do() -> bool:
        if errors:
            raise errors.pop()
        return box.do()

    runner = box.runner(do=do)

    assert runner.run() in {"the database could not be used", "failed"}
    assert runner.run() in {"worked", "nothing was due"}
    assert box.rounds


def test_a_stop_ends_a_task() -> None:
    box = Box(waiting=10**9)
    runner = box.runner()
    running = threading.Thread(target=runner.run)
    running.start()
    while not box.rounds:
        time.sleep(0.001)
    box.stopping.set()
    running.join(5)

    assert not running.is_alive()
