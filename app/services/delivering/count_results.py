"""Count results of delivery attempts in the metrics and in traces."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from app import metrics, metrics_exemplars, traces
from app.logs import get_logger
from app.metrics_state import endpoint_label
from app.services.delivering.types import STALE, DeliveryResult
from app.subscribers.client import EndpointResponse

logger = get_logger(__name__)


def count(results: Sequence[DeliveryResult]) -> None:
    """Count results, after their transaction was committed. Never raises: the caller would record them anew."""
    try:
        _count(results)
    except Exception:
        logger.exception("results are recorded, and could not be counted", extra={"count": len(results)})


def _count(results: Sequence[DeliveryResult]) -> None:
    counts: Counter[tuple[str, str]] = Counter()
    for each in results:
        label = endpoint_label(each.batch.endpoint.id)
        if each.response is not None:
            outcome = "delivered" if each.is_success else "failed"
            _note_answer(each, each.response, label)
        elif each.reason == STALE:
            outcome = "stale"
        else:
            continue
        counts[label, outcome] += 1
    for (label, outcome), number in counts.items():
        metrics.deliveries.labels(outcome).inc(number)
        metrics.endpoint_deliveries.labels(label, outcome).inc(number)


def _note_answer(result: DeliveryResult, response: EndpointResponse, label: str) -> None:
    """Note how long the app took, and how long after its arrival the event was delivered."""
    seconds, request_id, event = response.seconds, result.batch.request_id, result.batch.event
    metrics_exemplars.observe(metrics.delivery_seconds, seconds, request_id)
    metrics.endpoint_seconds.labels(label).observe(seconds)
    traces.record(
        "deliver", request_id, seconds, has_failed=not result.is_success, event_id=result.batch.claim.event_id,
        endpoint=label, http__response__status_code=response.status,
    )  # fmt: skip
    if result.is_success and event is not None and not result.batch.claim.is_replay:
        lag = (result.started_at - event.received_at).total_seconds() + seconds
        metrics_exemplars.observe(metrics.delivery_lag_seconds, max(lag, 0.0), request_id)
