"""Deliver events to the user's endpoints: apps over HTTP, and Python handlers.

A worker finds due deliveries and claims them (`queue`, with `claim` and `batching`), attempts them (`dispatch`, by
`http_delivery` with `render` and `replies`, or by `handler_delivery` with `handler_actions`), and records the results
and the endpoints' health (`record_results`). `unblock` and `replay` make deliveries due again, and `read` serves the
API, `backlog` counts what is owed. `types` defines what these stages pass to each other.
"""

from app.services.delivering.backlog import EndpointBacklog, read_backlogs
from app.services.delivering.claim import LEASE, Claimed
from app.services.delivering.dispatch import DispatchDelivery
from app.services.delivering.handler_actions import HandlerActions
from app.services.delivering.handler_delivery import HandlerDelivery
from app.services.delivering.http_delivery import HttpDelivery
from app.services.delivering.implausible_times import reset_implausible
from app.services.delivering.queue import DeliveryQueue
from app.services.delivering.read import find_delivery, list_deliveries
from app.services.delivering.render import render_events
from app.services.delivering.replay import (
    replay_dead,
    replay_event,
    replay_of_notifications,
    replay_range,
    retry_all,
    retry_delivery,
)
from app.services.delivering.replies import SendReplies, read_answer
from app.services.delivering.retry_many import retry_deliveries
from app.services.delivering.types import (
    BatchMember,
    ClaimRequest,
    DeliveryBatch,
    DeliveryResult,
    Dispatch,
    DueDeliveries,
)
from app.services.delivering.unblock import unblock_endpoint

__all__ = [
    "LEASE",
    "BatchMember",
    "ClaimRequest",
    "Claimed",
    "DeliveryBatch",
    "DeliveryQueue",
    "DeliveryResult",
    "Dispatch",
    "DispatchDelivery",
    "DueDeliveries",
    "EndpointBacklog",
    "HandlerActions",
    "HandlerDelivery",
    "HttpDelivery",
    "SendReplies",
    "find_delivery",
    "list_deliveries",
    "read_answer",
    "read_backlogs",
    "render_events",
    "replay_dead",
    "replay_event",
    "replay_of_notifications",
    "replay_range",
    "reset_implausible",
    "retry_all",
    "retry_deliveries",
    "retry_delivery",
    "unblock_endpoint",
]
