"""What Prometheus is told of the state of a gateway: queues, limits, breakers, quota, disks. Read at the scrape.

The values are the database's, so any process shows the same ones, also while no worker lives; of several targets take
the `max`. Counts of a queue stop at 10,000.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

KEPT_SECONDS = 5.0
"""However often a process is scraped, it reads the database no more often."""

Samples = Mapping[str, Sequence[tuple[tuple[str, ...], float]]]
"""By the name of the metric: the values of its labels, in their order, and the value."""


@dataclass(frozen=True, slots=True)
class Family:
    """One metric: what it tells, and its labels. A name that ends in `_total` is a counter, any other a gauge."""

    text: str
    labels: tuple[str, ...] = ()


_NUMBER, _ENDPOINT = ("phone_number_id",), ("endpoint",)

FAMILIES: dict[str, Family] = {
    "whatsapp_build_info": Family("1, with the version that answers.", ("version",)),
    "whatsapp_database_up": Family("1 while the database answers; 0: what else is read from it is missing."),
    "whatsapp_database_writable": Family("1 unless the last write of the process that answers failed."),
    "whatsapp_worker_seen_seconds": Family("Time since a worker was last alive; missing if none ever was."),
    "whatsapp_workers": Family("Workers that were alive within 30 seconds."),
    "whatsapp_clock_ahead_seconds": Family("How far the clock of a worker's machine is ahead of ours.", ("host",)),
    "whatsapp_backlog": Family(
        "What waits: webhooks to be processed, sends that are due, deliveries to your apps, files to be fetched.",
        ("queue",),
    ),
    "whatsapp_backlog_oldest_seconds": Family("For how long the first has been due; 0 if none is.", ("queue",)),
    "whatsapp_set_aside": Family("Webhooks of a week with an item that was parked or quarantined.", ("state",)),
    "whatsapp_sends_held": Family("Sends that wait for a person."),
    "whatsapp_number_backlog": Family("Sends of a number that are due.", _NUMBER),
    "whatsapp_number_backlog_oldest_seconds": Family(
        "For how long the first send of a number has been due; 0 if none is.", _NUMBER
    ),
    "whatsapp_number_messages_per_second": Family(
        "At how many messages a second a number is sent now: its limit, less after Meta asked to slow down.", _NUMBER
    ),
    "whatsapp_number_slot_seconds": Family("Time until a number may send its next message.", _NUMBER),
    "whatsapp_number_breaker_open": Family("1 while Meta gives no clear answers about a number.", _NUMBER),
    "whatsapp_number_paused": Family(
        "1 while a number sends nothing: `rate` (Meta asked for a pause), `checking` or `auth` (a refused token).",
        ("phone_number_id", "reason"),
    ),
    "whatsapp_number_bulk_stopped": Family("1 while Meta's answer has stopped a number's campaigns.", _NUMBER),
    "whatsapp_number_flagged": Family("1 while Meta has flagged a number for low quality.", _NUMBER),
    "whatsapp_number_limit": Family(
        "How many customers a day Meta lets a number write to; missing while Meta has not said.", _NUMBER
    ),
    "whatsapp_number_limit_used": Family(
        "Customers who were sent a template within 24 hours, the part of the limit that we know of.", _NUMBER
    ),
    "whatsapp_endpoint_backlog": Family("Deliveries that are owed to an endpoint.", _ENDPOINT),
    "whatsapp_endpoint_backlog_oldest_seconds": Family(
        "For how long the first delivery to an endpoint has been due; 0 if none is.", _ENDPOINT
    ),
    "whatsapp_endpoint_dead": Family("Deliveries to an endpoint that are no longer tried.", _ENDPOINT),
    "whatsapp_endpoint_failing_seconds": Family(
        "For how long every attempt at an endpoint has failed; 0 while it takes events.", _ENDPOINT
    ),
    "whatsapp_endpoint_breaker_open": Family("1 while an endpoint is left alone after failures.", _ENDPOINT),
    "whatsapp_endpoint_disabled": Family("1 after an endpoint was switched off, by its failures.", _ENDPOINT),
    "whatsapp_api_usage_percent": Family(
        "How much of its rate limits Graph said last is used: of `calls`, `cpu` or `time`.",
        ("app", "waba_id", "kind", "what"),
    ),
    "whatsapp_priced_messages_total": Family(
        "Messages by Meta's pricing: each once, with the first report that has a price.",
        ("phone_number_id", "category", "type", "billable"),
    ),
    "whatsapp_media": Family("Files of a week by state: `pending`, `gone`, `refused`.", ("state",)),
    "whatsapp_alerts_open": Family("Open alerts of the gateway itself, by kind.", ("kind",)),
    "whatsapp_audit_seconds": Family("Time since the last nightly audit; missing before the first."),
    "whatsapp_database_bytes": Family("Size of the database; of SQLite with its log."),
    "whatsapp_wal_bytes": Family("Size of SQLite's log; missing on PostgreSQL."),
    "whatsapp_disk_free_bytes": Family("Room on the disk of a folder.", ("folder",)),
    "whatsapp_disk_bytes": Family("Size of the disk of a folder.", ("folder",)),
}
"""Every metric of the state. docs/metrics.md has a row for each, which a test compares."""


@lru_cache(maxsize=1024)
def endpoint_label(endpoint_id: str) -> str:
    """Return the hash by which metrics name an endpoint: a handler's id holds a name of the user's."""
    return hashlib.sha256(endpoint_id.encode()).hexdigest()[:12]


class StateCollector(Collector):
    """Shows what `read` returns, read again at most every five seconds. `read` may not raise."""

    def __init__(self, read: Callable[[], Samples]) -> None:
        self._read = read
        self._mutex = threading.Lock()
        self._samples: Samples = {}
        self._read_at = -KEPT_SECONDS

    def collect(self) -> Iterator[Metric]:
        """Yield each metric that has a value now."""
        with self._mutex:
            if time.monotonic() - self._read_at >= KEPT_SECONDS:
                self._samples = self._read()
                self._read_at = time.monotonic()
            samples = self._samples
        for name, values in samples.items():
            yield _metric(name, FAMILIES[name], values)


def _metric(name: str, family: Family, values: Sequence[tuple[tuple[str, ...], float]]) -> Metric:
    is_counter = name.endswith("_total")
    make = CounterMetricFamily if is_counter else GaugeMetricFamily
    metric = make(name, family.text, labels=family.labels)
    for labels, value in values:
        metric.add_metric(labels, value)
    return metric
