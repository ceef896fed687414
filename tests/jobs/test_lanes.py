"""The one description of the worker's lanes."""

from __future__ import annotations

import threading

import pytest

from app.container import Gateway
from app.jobs import lane_work
from app.jobs.crew import Crew
from app.jobs.lane_work import Bench
from app.jobs.lanes import LANES, Queue
from tests.conftest import PostWebhook
from tests.factories import message_body, text


def test_every_lane_has_a_name_of_its_own_and_one_started_by_the_clock_has_an_interval() -> None:
    names = [lane.name for lane in LANES]

    assert len(names) == len(set(names))
    assert all(lane.pause_seconds > 0 for lane in LANES if lane.is_due is None)
    assert {lane.queue for lane in LANES} == {None, *Queue}


def test_a_crew_works_on_the_lanes_of_its_queues_and_on_what_every_process_does(gateway: Gateway) -> None:
    crew = Crew(Bench(gateway, refuse=lambda error: None), [Queue.KEEP])

    assert {lane.queue for lane, _ in crew.works} == {None, Queue.KEEP}
    assert [loop.name for loop in crew.loops()] == [lane.name for lane in LANES if lane.queue in (None, Queue.KEEP)]


def test_a_crew_with_nothing_to_do_is_at_rest_and_ends_its_pauses_when_it_stops(gateway: Gateway) -> None:
    stopping = threading.Event()
    crew = Crew(Bench(gateway, refuse=lambda error: None, stopping=stopping), [Queue.PROCESS, Queue.KEEP])

    assert all(lane.is_due is None or not lane.is_due(gateway) for lane in LANES)
    assert all(work.is_at_rest() for _, work in crew.works)
    crew.begin_stop()
    assert stopping.is_set()
    crew.close()


class Pauses(threading.Event):
    """Notes how long it was to be waited for, and lets nobody wait."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.seconds.append(timeout)
        return self.is_set()


def test_after_few_webhooks_others_gather_and_after_many_the_next_round_follows(
    gateway: Gateway, post_webhook: PostWebhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses = Pauses()
    lane = lane_work.process(Bench(gateway, refuse=lambda error: None, stopping=pauses))
    assert not lane.do() and pauses.seconds == []

    post_webhook(message_body(text()))
    assert lane.do() and pauses.seconds == [lane_work.GATHER_SECONDS]

    monkeypatch.setattr(lane_work, "GATHERED", 1)
    post_webhook(message_body(text()))
    assert lane.do() and pauses.seconds == [lane_work.GATHER_SECONDS]
