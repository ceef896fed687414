"""How much of Meta's API quota is used, as Graph reports it in the headers of its responses."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ApiUsage:
    """Percentages of the quota used in a rolling hour: of calls, of processor time, and of total time.

    They concern a whole app, or calls of one `kind` for one account (`waba_id`, as Graph names it). `minutes_to_wait`
    is the time until Graph accepts calls again, 0 while it accepts them.
    """

    call_count: int
    total_cputime: int
    total_time: int
    waba_id: str = ""
    kind: str = ""
    minutes_to_wait: int = 0
