"""The last request of each bucket of a histogram, for OpenMetrics: from a slow bucket to the log lines of its request.

prometheus_client keeps no exemplars where several processes share their numbers, so each process keeps its own, in
memory, and shows them where it answers a scrape itself.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from prometheus_client import Histogram, Summary
from prometheus_client.core import Exemplar, Metric
from prometheus_client.utils import floatToGoString

_last: dict[tuple[str, str], Exemplar] = {}
"""By the name of the bucket's series and its upper bound, as exposed. As many as there are buckets."""

_bounds: dict[str, tuple[list[float], list[str]]] = {}


def observe(histogram: Histogram, seconds: float, request_id: str) -> None:
    """Count a duration in a histogram without labels, and remember whose it was; nobody's if `request_id` is empty."""
    observe_all(histogram, ((seconds, request_id),))


def observe_all(histogram: Histogram, observed: Iterable[tuple[float, str]]) -> None:
    """As `observe` for each duration in seconds and its request.

    Each number is written once however many durations there are: where processes share their numbers, a write takes
    as long as a small statement, and `Histogram.observe` makes two.
    """
    name = histogram._name
    if name not in _bounds:
        bounds = [float(each) for each in histogram._upper_bounds]
        _bounds[name] = bounds, [floatToGoString(each) for each in bounds]  # type: ignore[no-untyped-call]
    bounds, texts = _bounds[name]
    counts, total = Counter[int](), 0.0
    for seconds, request_id in observed:
        place = bisect_left(bounds, seconds)
        counts[place] += 1
        total += seconds
        if request_id:
            _last[(f"{name}_bucket", texts[place])] = Exemplar({"request_id": request_id}, seconds, time.time())
    if counts:
        histogram._sum.inc(total)
    for place, count in counts.items():
        histogram._buckets[place].inc(count)


def add_all(summary: Summary, durations: Sequence[float]) -> None:
    """Count durations in seconds in a summary, or in one child of it; each of its two numbers is written once."""
    summary._count.inc(len(durations))
    summary._sum.inc(sum(durations))


def attach(metrics: Iterable[Metric]) -> Iterator[Metric]:
    """Yield the metrics, with the exemplars of this process at the buckets of histograms."""
    for metric in metrics:
        if metric.type == "histogram" and _last:
            metric.samples = [
                each._replace(exemplar=_last.get((each.name, each.labels.get("le", "")))) for each in metric.samples
            ]
        yield metric
