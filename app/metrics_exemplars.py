"""The last request of each bucket of a histogram, for OpenMetrics: from a slow bucket to the log lines of its request.

prometheus_client keeps no exemplars where several processes share their numbers, so each process keeps its own, in
memory, and shows them where it answers a scrape itself.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Iterable, Iterator

from prometheus_client import Histogram
from prometheus_client.core import Exemplar, Metric
from prometheus_client.utils import floatToGoString

_last: dict[tuple[str, str], Exemplar] = {}
"""By the name of the bucket's series and its upper bound, as exposed. As many as there are buckets."""

_bounds: dict[str, tuple[list[float], list[str]]] = {}


def observe(histogram: Histogram, seconds: float, request_id: str) -> None:
    """Count a duration in a histogram without labels, and remember whose it was; nobody's if `request_id` is empty."""
    histogram.observe(seconds)
    if not request_id:
        return
    name = histogram._name
    if name not in _bounds:
        bounds = [float(each) for each in histogram._upper_bounds]
        _bounds[name] = bounds, [floatToGoString(each) for each in bounds]  # type: ignore[no-untyped-call]
    bounds, texts = _bounds[name]
    bucket = texts[bisect_left(bounds, seconds)]
    _last[(f"{name}_bucket", bucket)] = Exemplar({"request_id": request_id}, seconds, time.time())


def attach(metrics: Iterable[Metric]) -> Iterator[Metric]:
    """Yield the metrics, with the exemplars of this process at the buckets of histograms."""
    for metric in metrics:
        if metric.type == "histogram" and _last:
            metric.samples = [
                each._replace(exemplar=_last.get((each.name, each.labels.get("le", "")))) for each in metric.samples
            ]
        yield metric
