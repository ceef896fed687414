"""Things that go wrong by rule: how often, for whom, how many times. With a seed, a run's bad luck repeats."""

from __future__ import annotations

import itertools
import shlex
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from random import Random
from typing import Any

from simulator.world.phone_numbers import digits_of

BEFORE = ("delay", "reset", "html", "throttle", "code")
"""Before a request is read: it waits, is cut off, or is refused. Nothing is accepted, but after a `delay`."""
AFTER = ("timeout", "cut", "html-after")
"""After a message was accepted: the answer comes late, never, or as an error page."""
STATUSES = ("silence", "late", "fail")
"""What becomes of an accepted message: no status at all, statuses that come late, or `failed` with a code."""
WEBHOOKS = ("duplicate", "reorder")
"""How webhooks travel: twice, or held back so that later ones overtake."""
_ON = ("messages", "media", "management", "any")


@dataclass(frozen=True)
class Fault:
    """One rule. What a kind does not use is ignored."""

    kind: str
    share: float = 1.0
    """Of how many, between 0 and 1."""
    to: str | None = None
    """Only messages to this number."""
    times: int | None = None
    """How often at most."""
    seconds: float = 30.0
    """How long, for `delay`, `timeout`, `late` and `reorder`."""
    code: int = 131000
    """Graph's code, for `code` and `fail`."""
    status: int = 502
    """The HTTP status, for `html` and `html-after`."""
    on: str = "messages"
    """Which requests: `messages`, `media`, `management` or `any`."""

    def __post_init__(self) -> None:
        if self.kind not in (*BEFORE, *AFTER, *STATUSES, *WEBHOOKS):
            raise ValueError(f"no such fault: {self.kind}")
        if self.on not in _ON or not 0 <= self.share <= 1:
            raise ValueError("`on` or `share` is not valid")


def parse_fault(written: str) -> Fault:
    """A rule as the command line has it: `timeout share=0.02 seconds=30`. Raises ValueError."""
    kind, *pairs = shlex.split(written) or [""]
    return fault_of({"kind": kind, **dict(pair.partition("=")[::2] for pair in pairs)})


def fault_of(given: dict[str, Any]) -> Fault:
    """A rule from names and values, numbers being taken as text too. Raises ValueError."""
    readers = {"share": float, "times": int, "seconds": float, "code": int, "status": int}
    unknown = set(given) - {one.name for one in fields(Fault)}
    if unknown or not isinstance(given.get("kind"), str):
        raise ValueError(f"no such setting of a fault: {', '.join(sorted(unknown)) or 'kind'}")
    return Fault(**{key: readers.get(key, str)(value) for key, value in given.items() if value is not None})


@dataclass
class _Active:
    fault: Fault
    random: Random
    happened: int = 0

    def strikes(self, stage: Sequence[str], to: str | None, on: str) -> bool:
        fault = self.fault
        if fault.kind not in stage or (fault.times is not None and self.happened >= fault.times):
            return False
        if stage is not WEBHOOKS and fault.on not in ("any", on):
            return False
        if fault.to is not None and digits_of(fault.to) != digits_of(to or ""):
            return False
        return self.random.random() < fault.share


class Faults:
    """The rules in force. Each has chances of its own, so that one does not change another's luck."""

    def __init__(self, seed: int | None, faults: Sequence[Fault] = ()) -> None:
        self._seed = seed
        self._ids = itertools.count(1)
        self._active: dict[int, _Active] = {}
        self._lock = threading.Lock()
        for fault in faults:
            self.add(fault)

    def add(self, fault: Fault) -> int:
        """Put a rule in force; return the id it is taken away by."""
        with self._lock:
            fault_id = next(self._ids)
            random = Random() if self._seed is None else Random(f"{self._seed}:{fault_id}")
            self._active[fault_id] = _Active(fault, random)
        return fault_id

    def remove(self, fault_id: int) -> bool:
        """Take a rule away; False when there is none of that id."""
        with self._lock:
            return self._active.pop(fault_id, None) is not None

    def clear(self) -> None:
        """Take every rule away."""
        with self._lock:
            self._active.clear()

    def draw(self, stage: Sequence[str], *, to: str | None = None, on: str = "messages") -> Fault | None:
        """The rule that strikes now, if one does: of a stage's rules the first whose turn and chance it is."""
        with self._lock:
            for active in self._active.values():
                if active.strikes(stage, to, on):
                    active.happened += 1
                    return active.fault
        return None

    def to_json(self) -> list[dict[str, Any]]:
        """The rules in force, with their ids and how often each has struck."""
        with self._lock:
            return [{"id": key, "happened": one.happened, **asdict(one.fault)} for key, one in self._active.items()]
