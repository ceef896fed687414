"""Play the real drills, and write down what Prometheus would see: `python -m tests.monitoring.record [NAME…]`.

A file of `recorded/` holds one drill: of three times (before it, while it hurts, after it) two scrapes and the seconds
between them. `play` makes series of them as promtool takes them. A drill of seconds lasts half an hour there, since
alerts wait for minutes: counters go on as fast as they went between the two scrapes, ages that grew go on growing, and
everything else stays as it was.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.monitoring.real_drills import REAL, RealDrill, Samples, Stage, is_calm, stage
from tests.monitoring.test_alert_rules import NAME, rules

RECORDED = Path(__file__).with_name("recorded")
BEATS = 10
"""Seconds between the two scrapes of a time, and how often the drill's work is done meanwhile. What a process has read
of the database it shows for five seconds: the second scrape must be of another reading."""

OLD = 12
"""Seconds from which an age counts as growing: that of a living worker's last sign goes up to ten, again and again."""

TRIES = 6
PATIENCE = 150.0
MINUTES = (21, 30, 40)
"""How long the series of promtool show each of the three times."""

_COUNTED = ("_total", "_bucket", "_count", "_sum")


def main(names: list[str]) -> None:
    """Record the drills of these names, or all."""
    wanted = {name: drill for name, drill in REAL.items() if not names or name in names}
    RECORDED.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, stage(Path(folder)) as on:
        calm = _calm(on)
        for name, drill in wanted.items():
            if drill.may_heal:
                during = _harm(on, drill)
                before, calm = calm, _calm(on)
                _write(name, drill, [*before, *during, *calm])
    for name, drill in wanted.items():
        if not drill.may_heal:
            with tempfile.TemporaryDirectory() as folder, stage(Path(folder)) as on:
                calm = _calm(on)
                _write(name, drill, [*calm, *_harm(on, drill), *calm])


def _calm(on: Stage) -> list[Samples]:
    _wait(on, is_calm)
    return _two(on, REAL["all is well"])


def _harm(on: Stage, drill: RealDrill) -> list[Samples]:
    drill.begin(on)
    _wait(on, drill.is_seen, drill)
    found = _two(on, drill)
    drill.end(on)
    return found


def _two(on: Stage, drill: RealDrill) -> list[Samples]:
    """Two scrapes; others if this machine was too busy between them, which a drill of half an hour would be told by."""
    for _ in range(TRIES):
        first = on.scrape()
        for _ in range(BEATS):
            started = time.monotonic()
            drill.beat(on)
            time.sleep(max(0.0, 1 - (time.monotonic() - started)))
        found = [first, on.scrape()]
        if not _has_stuttered(*found):
            break
    return found


def _has_stuttered(first: Samples, second: Samples) -> bool:
    """Whether too many of the transactions or webhooks took long between two scrapes: no drill here is about that."""
    return any(
        _grown(first, second, name, "+Inf") - _grown(first, second, name, seconds)
        > 0.005 * _grown(first, second, name, "+Inf")
        for name, seconds in (("whatsapp_write_lock_seconds", "0.1"), ("whatsapp_webhook_seconds", "1.0"))
    )


def _grown(first: Samples, second: Samples, name: str, bound: str) -> float:
    series = f'{name}_bucket{{le="{bound}"}}'
    return second[series] - first[series]


def _write(name: str, drill: RealDrill, scrapes: list[Samples]) -> None:
    """Write the series that rules look at: of each of the three times the two values, None for none."""
    wanted = {name for rule in rules() for name in NAME.findall(rule["expr"])}
    series = sorted({name for each in scrapes for name in each if name.partition("{")[0] in wanted})
    values = {name: [[each.get(name) for each in scrapes[at : at + 2]] for at in (0, 2, 4)] for name in series}
    found = {name: each for name, each in values.items() if each != [[0, 0]] * 3 or not _is_counted(name)}
    (RECORDED / f"{re.sub('[^a-z0-9]+', '_', name.lower())}.json").write_text(_text(name, drill, found))
    sys.stdout.write(f"{name}: {len(found)} series\n")
    sys.stdout.flush()


def _wait(on: Stage, is_so: Callable[[Samples], bool], drill: RealDrill | None = None) -> None:
    until = time.monotonic() + PATIENCE
    while not is_so(found := on.scrape()):
        assert time.monotonic() < until, f"it does not show: {[each for each in found.items() if each[1]]}"
        if drill is not None:
            drill.beat(on)
        time.sleep(1)


def _text(name: str, drill: RealDrill, found: Mapping[str, Any]) -> str:
    lines = ",\n".join(f"  {json.dumps(series)}: {json.dumps(values)}" for series, values in found.items())
    head = json.dumps({"drill": name, "fires": sorted(drill.fires), "seconds": BEATS})[1:-1]
    return f'{{{head},\n "series": {{\n{lines}\n }}}}\n'


def recordings() -> dict[str, dict[str, Any]]:
    """What was recorded, by the names of the files."""
    return {path.stem: json.loads(path.read_text()) for path in sorted(RECORDED.glob("*.json"))}


def play(recorded: Mapping[str, Any]) -> dict[str, str]:
    """A recording as promtool takes it, a value a minute: by the name of each series, with the target's labels."""
    return {
        name: " ".join(_shown(value) for value in _values(name, times, recorded["seconds"]))
        for name, times in recorded["series"].items()
    }


def _values(name: str, times: list[list[float | None]], seconds: float) -> Iterator[float | None]:
    """One value a minute. A counter goes on from where it was, whatever was counted between two of the times."""
    last: float | None = None
    for minutes, (first, second) in zip(MINUTES, times, strict=True):
        if second is None:
            yield from [None] * minutes
            continue
        first = second if first is None else first
        start, a_minute = second, 0.0
        if _is_counted(name):
            start, a_minute = first if last is None else last, (second - first) / seconds * 60
        elif name.partition("{")[0].endswith("_seconds") and second > OLD and second - first > seconds / 2:
            a_minute = 60.0
        for minute in range(minutes):
            yield start + a_minute * minute
        last = start + a_minute * minutes


def _is_counted(name: str) -> bool:
    return name.partition("{")[0].endswith(_COUNTED)


def _shown(value: float | None) -> str:
    return "_" if value is None else f"{value:.10g}"


if __name__ == "__main__":
    main(sys.argv[1:])
