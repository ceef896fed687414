"""How much of what Meta allows of Graph's API has been used, as Graph itself says with its answers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ApiUsage:
    """Percent of what is allowed, over a rolling hour: of calls, of processor time, and of time in all.

    It is a whole app's, or an account's (`waba_id`, as Graph names it) with calls of one `kind`. `minutes_to_wait` are
    those after which Graph says that it will take calls again; 0 while it takes them.
    """

    call_count: int
    total_cputime: int
    total_time: int
    waba_id: str = ""
    kind: str = ""
    minutes_to_wait: int = 0
