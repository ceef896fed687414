"""Latencies against Meta's bar (Meta: webhooks/overview): a median of 250 ms at most, less than 1 % over a second."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

MEDIAN_MS = 250.0
SLOW_MS = 1000.0
SLOW_SHARE = 0.01


@dataclass(frozen=True)
class Latency:
    """Percentiles in milliseconds (nearest rank), and the share of answers that took more than a second."""

    p50: float
    p95: float
    p99: float
    slow_share: float

    @classmethod
    def of(cls, milliseconds: Iterable[float]) -> Latency:
        """Sum up; all zero for nothing."""
        ordered = sorted(milliseconds)
        if not ordered:
            return cls(0.0, 0.0, 0.0, 0.0)
        p50, p95, p99 = (ordered[min(len(ordered) - 1, int(len(ordered) * share))] for share in (0.5, 0.95, 0.99))
        return cls(p50, p95, p99, sum(each > SLOW_MS for each in ordered) / len(ordered))

    @property
    def is_within_bar(self) -> bool:
        """Whether Meta would be content."""
        return self.p50 <= MEDIAN_MS and self.slow_share < SLOW_SHARE

    def __str__(self) -> str:
        return (
            f"p50 {self.p50:.1f} ms, p95 {self.p95:.1f} ms, p99 {self.p99:.1f} ms,"
            f" {self.slow_share * 100:.2f} % over 1 s"
        )
