"""What this gateway's worker does otherwise than Celery's."""

from __future__ import annotations

import pytest
from celery.worker.consumer import Consumer

from app.jobs.celery_settings import celery_settings
from app.jobs.celery_worker import GatewayConsumer
from app.jobs.lanes import LANES, Queue


def test_a_connection_that_cannot_be_closed_does_not_end_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(consumer: Consumer, error: Exception) -> None:
        raise AttributeError("'NoneType' object has no attribute 'hostname'")  # kombu 5.7, of a Redis that is away

    monkeypatch.setattr(Consumer, "on_connection_error_after_connected", fail)
    consumer = object.__new__(GatewayConsumer)
    consumer.connection = object()

    consumer.on_connection_error_after_connected(ConnectionError())

    assert consumer.connection is None


def test_no_queue_is_declared_for_tasks_that_are_due_later() -> None:
    steps = [str(step) for step in GatewayConsumer.Blueprint.default_steps]

    assert len(steps) == len(Consumer.Blueprint.default_steps) - 1
    assert not [step for step in steps if "delayed" in step]


@pytest.mark.parametrize("url", ["amqp://mq/", "redis://cache/1"])
def test_every_lane_has_a_queue_or_every_process(url: str) -> None:
    found = celery_settings(url)

    assert [queue.name for queue in found["task_queues"]] == list(Queue)
    assert found["task_routes"].keys() == {lane.name for lane in LANES if lane.queue}
    assert found["beat_schedule"].keys() == {lane.name for lane in LANES if lane.queue and not lane.is_due}
    assert found["task_acks_late"]
    assert found["result_backend"] is None
