"""Count results of delivery attempts in the metrics and in traces."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

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
    durations: dict[str, list[tuple[float, str]]] = {}
    lags: list[tuple[float, str]] = []
    for each in results:
        label = endpoint_label(each.batch.endpoint.id)
        if each.response is not None:
            outcome = "delivered" if each.is_success else "failed"
            durations.setdefault(label, []).append((each.response.seconds, each.batch.request_id))
            lags += _lag(each, each.response)
            _trace(each, each.response, label)
        elif each.reason == STALE:
            outcome = "stale"
        else:
            continue
        counts[label, outcome] += 1
    metrics_exemplars.observe_all(metrics.delivery_lag_seconds, lags)
    for label, its in durations.items():
        metrics_exemplars.observe_all(metrics.delivery_seconds, its)
        metrics_exemplars.add_all(metrics.endpoint_seconds.labels(label), [seconds for seconds, _ in its])
    for (label, outcome), number in counts.items():
        metrics.deliveries.labels(outcome).inc(number)
        metrics.endpoint_deliveries.labels(label, outcome).inc(number)


def _lag(result: DeliveryResult, response: EndpointResponse) -> Iterator[tuple[float, str]]:
    """Yield how long after its arrival an event was delivered, and its request; nothing of other results."""
    event = result.batch.event
    if result.is_success and event is not None and not result.batch.claim.is_replay:
        lag = (result.started_at - event.received_at).total_seconds() + response.seconds
        yield max(lag, 0.0), result.batch.request_id


def _trace(result: DeliveryResult, response: EndpointResponse, label: str) -> None:
    traces.record(
        "deliver", result.batch.request_id, response.seconds, has_failed=not result.is_success,
        event_id=result.batch.claim.event_id, endpoint=label, http__response__status_code=response.status,
    )  # fmt: skip
