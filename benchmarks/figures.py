"""A figure with its target, and the table of all of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number. `at_least` says which side of the target is good; no target is a figure for context."""

    name: str
    measured: float
    unit: str = ""
    target: float | None = None
    at_least: bool = False

    @property
    def is_met(self) -> bool | None:
        """Whether the target is met; None where there is none."""
        if self.target is None:
            return None
        return self.measured >= self.target if self.at_least else self.measured <= self.target

    @property
    def ratio(self) -> float | None:
        """Measured over target."""
        return round(self.measured / self.target, 2) if self.target else None

    def as_json(self) -> dict[str, object]:
        """Everything the table shows, for `--json`."""
        return {"name": self.name, "measured": self.measured, "unit": self.unit, "target": self.target,
                "bound": "at least" if self.at_least else "at most", "ratio": self.ratio,
                "met": self.is_met}  # fmt: skip

    def as_line(self) -> str:
        """One line of the table."""
        target = "" if self.target is None else f"{'≥' if self.at_least else '≤'} {self.target:g} {self.unit}"
        verdict = {None: "", True: "ok", False: "MISSED"}[self.is_met]
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        return f"{self.name:<58} {target:>14} {f'{self.measured:,.2f} {self.unit}':>18} {ratio:>7}  {verdict}"


def at_most(name: str, target: float, measured: float, unit: str = "ms") -> Figure:
    """A figure that should stay under its target."""
    return Figure(name, round(measured, 3), unit, target)


def at_least(name: str, target: float, measured: float, unit: str = "") -> Figure:
    """A figure that should reach its target."""
    return Figure(name, round(measured, 3), unit, target, at_least=True)


def middle(values: Iterable[float]) -> float:
    """The median."""
    return float(median(values))


HEADING = f"{'figure':<58} {'target':>14} {'measured':>18} {'ratio':>7}"
