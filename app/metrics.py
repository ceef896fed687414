"""What the gateway counts, for Prometheus. Durations are in seconds.

With several processes each keeps its numbers in `PROMETHEUS_MULTIPROC_DIR`, which must be set before this module is
first imported; `gunicorn.conf.py` sees to it, for its embedded worker too, and `create_app` for other servers. A worker
started by itself has its own.
"""

from __future__ import annotations

import logging
import os

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, start_http_server
from prometheus_client.multiprocess import MultiProcessCollector

from app import metrics_files  # also makes its files safe, before the first number is made

_FAST = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)


def _counter(name: str, text: str, label: str, known: tuple[str, ...]) -> Counter:
    """A counter whose known values are there from the start, with 0: a rate needs a value before the first event."""
    counter = Counter(name, text, [label])
    for value in known:
        counter.labels(value)
    return counter


write_lock_seconds = Histogram(
    "whatsapp_write_lock_seconds", "How long one transaction held SQLite's write lock.", buckets=_FAST
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
process_lag_seconds = Histogram(
    "whatsapp_process_lag_seconds",
    "From a webhook's arrival to its items being normalised.",
    buckets=_FAST + (15.0, 60.0),
)
sends = _counter("whatsapp_sends", "Tries at sending to Meta.", "outcome", ("accepted", "refused", "unknown"))
graph_seconds = Histogram("whatsapp_graph_seconds", "How long Meta took to answer.", buckets=_FAST + (10.0, 30.0))

deliveries = _counter(
    "whatsapp_deliveries", "Tries at delivering events to the user's apps.", "outcome", ("delivered", "failed", "stale")
)
delivery_seconds = Histogram(
    "whatsapp_delivery_seconds", "How long an app took to answer.", buckets=_FAST + (10.0, 15.0)
)

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


def registry() -> CollectorRegistry | None:
    """The numbers of all processes together; None where each process has only its own."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return None
    found = CollectorRegistry()
    MultiProcessCollector(found)  # type: ignore[no-untyped-call]
    return found


def text() -> bytes:
    """All numbers, as Prometheus reads them; this process's own where there was no room for them beside the others'."""
    warn_of_trouble()
    found = None if metrics_files.is_alone else registry()
    return generate_latest(found) if found is not None else generate_latest()


def serve(port: int) -> None:
    """Serve the numbers on loopback, without a key, in a thread of this process."""
    found = registry()
    if found is not None:
        start_http_server(port, addr="127.0.0.1", registry=found)
    else:
        start_http_server(port, addr="127.0.0.1")


def warn_of_trouble() -> None:
    """Say, once, if there is no room for this process's numbers where all processes keep theirs."""
    while metrics_files.troubles:
        extra = {"error": metrics_files.troubles.pop()}
        # Not get_logger, which lives above this module.
        logging.getLogger("whatsapp_service.metrics").warning("no room for this process's metrics", extra=extra)
