"""How Celery is set up, so that a broker may fail in any way without harm. Reasons: docs/scaling.md."""

from __future__ import annotations

from typing import Any

from kombu import Exchange
from kombu import Queue as CeleryQueue

from app.jobs.lanes import LANES, Queue

VISIBILITY_SECONDS = 120
"""After so long Redis gives a message of a dead worker to another one. Longer than any task takes."""

CONNECT_SECONDS = 2.0
HEARTBEAT_SECONDS = 10
"""After two of these a broker that is frozen counts as away."""


def celery_settings(broker_url: str) -> dict[str, Any]:
    """Return Celery's settings for a broker.

    Nothing is left to a broker that it could lose: no results, no retries, no time at which a task is due, no message
    that would have to arrive. Every task is acknowledged late, which matters little: what a task has claimed is free
    again when its lease in the database ends.
    """
    is_redis = broker_url.startswith("redis")
    return {
        "broker_url": broker_url,
        "broker_connection_timeout": CONNECT_SECONDS,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_heartbeat": 0 if is_redis else HEARTBEAT_SECONDS,
        "broker_transport_options": _redis() if is_redis else _rabbitmq(),
        "task_queues": [_queue(queue, is_redis) for queue in Queue],
        "task_default_queue": Queue.KEEP.value,
        "task_create_missing_queues": False,
        "task_routes": {lane.name: {"queue": lane.queue.value} for lane in LANES if lane.queue is not None},
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "task_ignore_result": True,
        "result_backend": None,
        "task_publish_retry": False,
        "task_serializer": "json",
        "accept_content": ["json"],
        "worker_consumer": "app.jobs.celery_worker:GatewayConsumer",
        "worker_pool": "threads",
        "worker_concurrency": sum(lane.queue is not None for lane in LANES),
        "worker_prefetch_multiplier": 1,
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "worker_proc_alive_timeout": 60.0,
        "beat_scheduler": "app.jobs.beat:LeasedScheduler",
        "beat_max_loop_interval": 1.0,
        "beat_schedule": {
            lane.name: {"task": lane.name, "schedule": lane.pause_seconds}
            for lane in LANES
            if lane.queue is not None and lane.is_due is None
        },
        "enable_utc": True,
        "timezone": "UTC",
    }


def _queue(queue: Queue, is_redis: bool) -> CeleryQueue:
    """A queue that the default exchange reaches: no binding that a purge, an empty Redis or a person could remove."""
    arguments = None if is_redis else {"x-queue-type": "quorum"}
    return CeleryQueue(queue.value, Exchange(""), routing_key=queue.value, durable=True, queue_arguments=arguments)


def _rabbitmq() -> dict[str, Any]:
    return {
        "confirm_publish": True, "max_retries": 1, "interval_start": 0, "interval_step": 0, "interval_max": 0
    }  # fmt: skip


def _redis() -> dict[str, Any]:
    return {
        "visibility_timeout": VISIBILITY_SECONDS, "unacked_restore_interval": 5, "unacked_restore_throttle": 1,
        "socket_connect_timeout": CONNECT_SECONDS, "socket_timeout": 10.0, "socket_keepalive": True,
        "health_check_interval": 10, "retry_on_timeout": False, "max_retries": 1, "interval_start": 0,
        "interval_step": 0, "interval_max": 0,
    }  # fmt: skip
