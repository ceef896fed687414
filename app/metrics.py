"""What the gateway counts, for Prometheus. Durations are in seconds.

With several processes each keeps its numbers in `PROMETHEUS_MULTIPROC_DIR`, which must be set before this module is
first imported; `gunicorn.conf.py` sees to it, for its embedded worker too, and `create_app` for other servers. A worker
started by itself has its own.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, Summary, start_http_server
from prometheus_client.core import Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from app import metrics_files  # also makes its files safe, before the first number is made
from app import metrics_exemplars
from app.metrics_state import Samples, StateCollector

_FAST = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
STATUSES = ("sent", "delivered", "read", "played", "failed")
"""The statuses that reports are counted by; any other that Meta may invent is `other`."""


def _counter(name: str, text: str, label: str, known: tuple[str, ...]) -> Counter:
    """A counter whose known values are there from the start, with 0: a rate needs a value before the first event."""
    counter = Counter(name, text, [label])
    for value in known:
        counter.labels(value)
    return counter


webhook_seconds = Histogram(
    "whatsapp_webhook_seconds", "From a webhook's arrival to its commit; those answered 200.", buckets=_FAST
)
http_requests = Counter(
    "whatsapp_http_requests", "Requests by the first word of their route and by status; stored webhooks apart.",
    ["area", "status"],
)  # fmt: skip
http_seconds = Histogram(
    "whatsapp_http_seconds", "How long requests took, with streamed answers; stored webhooks apart.",
    buckets=_FAST + (25.0,),
)  # fmt: skip
write_lock_seconds = Histogram(
    "whatsapp_write_lock_seconds", "How long one transaction held SQLite's write lock.", buckets=_FAST
)
write_lock_wait_seconds = Histogram(
    "whatsapp_write_lock_wait_seconds", "How long one transaction waited for SQLite's write lock.", buckets=_FAST
)
notifications_kept = Counter("whatsapp_notifications_kept", "Webhooks committed and answered 200.")
notifications_refused = _counter(
    "whatsapp_notifications_refused", "Webhooks not kept.", "reason",
    ("signature", "too_large", "unavailable", "malformed", "too_slow"),
)  # fmt: skip
items_processed = _counter(
    "whatsapp_items", "Items read from notifications.", "outcome",
    ("processed", "duplicate", "parked", "quarantined"),
)  # fmt: skip
number_items = Counter(
    "whatsapp_number_items", "Items by number; of numbers that are not ours as `other`.", ["phone_number_id", "outcome"]
)
statuses = _counter(
    "whatsapp_statuses", "New status reports of Meta about messages of ours.", "status",
    (*STATUSES, "other"),
)  # fmt: skip
process_lag_seconds = Histogram(
    "whatsapp_process_lag_seconds",
    "From a webhook's arrival to its items being normalised.",
    buckets=_FAST + (15.0, 60.0),
)
sends = _counter("whatsapp_sends", "Tries at sending to Meta.", "outcome", ("accepted", "refused", "unknown"))
number_sends = Counter("whatsapp_number_sends", "The same by number.", ["phone_number_id", "outcome"])
graph_errors = Counter(
    "whatsapp_graph_errors", "Errors that Meta answered to sends, by its code; `other`: a code that this version does"
    " not know, `none`: no code, or no answer.", ["code"],
)  # fmt: skip
graph_seconds = Histogram("whatsapp_graph_seconds", "How long Meta took to answer.", buckets=_FAST + (10.0, 30.0))

deliveries = _counter(
    "whatsapp_deliveries", "Tries at delivering events to the user's apps.", "outcome", ("delivered", "failed", "stale")
)
delivery_seconds = Histogram(
    "whatsapp_delivery_seconds", "How long an app took to answer.", buckets=_FAST + (10.0, 15.0)
)
delivery_lag_seconds = Histogram(
    "whatsapp_delivery_lag_seconds", "From a webhook's arrival to an app having taken its event; replays apart.",
    buckets=_FAST + (15.0, 60.0, 600.0, 3600.0),
)  # fmt: skip
endpoint_deliveries = Counter(
    "whatsapp_endpoint_deliveries", "Tries at delivering by endpoint, which is a hash of its id.",
    ["endpoint", "outcome"],
)  # fmt: skip
endpoint_seconds = Summary("whatsapp_endpoint_seconds", "How long each endpoint took to answer.", ["endpoint"])

media_fetches = _counter(
    "whatsapp_media_fetches", "Tries at fetching customers' files from Meta, by the state that the file has then.",
    "state", ("stored", "pending", "gone", "refused"),
)  # fmt: skip
media_lag_seconds = Histogram(
    "whatsapp_media_lag_seconds", "From a webhook to its file being stored.", buckets=_FAST + (15.0, 60.0, 600.0)
)

audit_problems = Gauge(
    "whatsapp_audit_problems",
    "What the last nightly audit found wrong; 0: the books balance.",
    multiprocess_mode="mostrecent",
)
oldest_claim_seconds = Gauge(
    "whatsapp_oldest_claim_seconds",
    "Age of the oldest claim of a delivery that has no outcome yet, from two minutes on; 0 when there is none.",
    multiprocess_mode="mostrecent",
)


nudges = Counter(
    "whatsapp_nudges", "Messages that told a queue of the broker that it has work, or were not needed.",
    ["queue", "result"],
)  # fmt: skip
for _queue in ("process", "send", "deliver", "media", "keep"):
    for _result in ("published", "enough"):
        nudges.labels(_queue, _result)
broker_up = Gauge(
    "whatsapp_broker_up",
    "1: the broker answers; 0: it does not, and workers look for work by themselves, or there is none.",
    multiprocess_mode="mostrecent",
)


class _Counted(Collector):
    """What the processes of this server counted, with this process's exemplars."""

    def collect(self) -> Iterator[Metric]:
        if metrics_files.is_alone or "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            yield from metrics_exemplars.attach(REGISTRY.collect())
            return
        found = CollectorRegistry()
        MultiProcessCollector(found)  # type: ignore[no-untyped-call]
        yield from metrics_exemplars.attach(found.collect())


def registry(read_state: Callable[[], Samples] | None = None) -> CollectorRegistry:
    """Return what all processes of this server counted, together, and the state that `read_state` returns.

    Where there was no room for a process's numbers beside the others', it shows its own alone.
    """
    found = CollectorRegistry()
    found.register(_Counted())
    if read_state is not None:
        found.register(StateCollector(read_state))
    return found


def page(shown: CollectorRegistry, accept: str = "") -> tuple[bytes, str]:
    """Return all numbers and their content type: OpenMetrics, which has exemplars, for whoever accepts that."""
    warn_of_trouble()
    encode, content_type = choose_encoder(accept)
    return encode(shown), content_type


def text() -> bytes:
    """Return what was counted, in Prometheus' text format."""
    return page(registry())[0]


def serve(port: int, read_state: Callable[[], Samples] | None = None, host: str = "127.0.0.1") -> None:
    """Serve the numbers on an address of this machine, without a key, in a thread of this process."""
    start_http_server(port, addr=host, registry=registry(read_state))


def warn_of_trouble() -> None:
    """Say, once, if there is no room for this process's numbers where all processes keep theirs."""
    while metrics_files.troubles:
        extra = {"error": metrics_files.troubles.pop()}
        # Not get_logger, which lives above this module.
        logging.getLogger("whatsapp_service.metrics").warning("no room for this process's metrics", extra=extra)
