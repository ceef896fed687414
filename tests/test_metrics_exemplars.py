"""Durations that are counted together are the same numbers as those that the library counts one by one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry, Histogram, Summary

from app import metrics_exemplars

DURATIONS = [0.0, 0.1, 0.1000001, 0.05, 0.5, 0.7, 99.0]
"""On a bound, above it, below all of them, and beyond the last."""


@pytest.fixture(autouse=True)
def _alone() -> Iterator[None]:
    kept = dict(metrics_exemplars._last), dict(metrics_exemplars._bounds)
    yield
    for held, before in zip((metrics_exemplars._last, metrics_exemplars._bounds), kept, strict=True):
        held.clear()
        held.update(before)  # type: ignore[arg-type]


def test_many_at_once_are_counted_as_one_by_one() -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    one_by_one = Histogram("x_seconds", "x", buckets=(0.1, 0.5, 1.0), registry=theirs)
    for each in DURATIONS:
        one_by_one.observe(each)

    together = Histogram("x_seconds", "x", buckets=(0.1, 0.5, 1.0), registry=ours)
    metrics_exemplars.observe_all(together, [(each, "r") for each in DURATIONS])

    assert _values(ours) == pytest.approx(_values(theirs))


def test_a_summary_is_added_to() -> None:
    registry = CollectorRegistry()
    summary = Summary("y_seconds", "y", ["of"], registry=registry)

    metrics_exemplars.add_all(summary.labels("a"), [0.2, 0.3])

    assert registry.get_sample_value("y_seconds_count", {"of": "a"}) == 2
    assert registry.get_sample_value("y_seconds_sum", {"of": "a"}) == pytest.approx(0.5)


def test_the_last_request_of_each_bucket_is_remembered() -> None:
    registry = CollectorRegistry()
    histogram = Histogram("z_seconds", "z", buckets=(0.1, 0.5), registry=registry)

    metrics_exemplars.observe_all(histogram, [(0.2, "first"), (0.3, "second"), (9.0, "slow"), (0.3, "")])
    metrics_exemplars.observe_all(histogram, [])

    found = {
        each.labels["le"]: each.exemplar.labels["request_id"]
        for metric in metrics_exemplars.attach(registry.collect())
        for each in metric.samples
        if each.exemplar
    }
    assert found == {"0.5": "second", "+Inf": "slow"}


def _values(registry: CollectorRegistry) -> dict[tuple[str, str], float]:
    return {
        (each.name, each.labels.get("le", "")): each.value
        for metric in registry.collect()
        for each in metric.samples
        if not each.name.endswith("_created")
    }
