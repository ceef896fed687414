"""How long a caller waits for PostgreSQL, so that a frozen server or a dead connection blocks nobody for long.

A statement has a timeout of its own. A request, which may need several statements and connections, has a budget of
`REQUEST_SECONDS` for all waits that end without an answer: else each could take the whole of its own timeout. What a
slow database does answer costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

STATEMENT_SECONDS = 5.0
"""For requests and loops. Lists, sends and deliveries need milliseconds."""

PING_SECONDS = 2.0
"""For the check whether an idle connection still works."""

REQUEST_SECONDS = 4.5
"""For all vain waits of a request together: it is answered within five seconds then, in any trouble."""

_LEAST_SECONDS = 0.05
"""For a statement once nothing is left: a server that works again answers within it, and is not doubted."""

_seconds: ContextVar[float | None] = ContextVar("statement_seconds", default=STATEMENT_SECONDS)
_budget: ContextVar[list[float] | None] = ContextVar("request_budget", default=None)


def current() -> float | None:
    """Return the timeout in seconds for a statement that begins now; None for no timeout."""
    seconds, left = _seconds.get(), time_left()
    return seconds if seconds is None or left is None else min(seconds, max(left, _LEAST_SECONDS))


@contextmanager
def of(seconds: float | None) -> Iterator[None]:
    """Set the timeout in seconds for statements of the body; None, for operators' commands, removes it."""
    token = _seconds.set(seconds)
    try:
        yield
    finally:
        _seconds.reset(token)


@contextmanager
def budget(seconds: float) -> Iterator[None]:
    """Let all vain waits of the body together take so many seconds."""
    token = _budget.set([seconds])
    try:
        yield
    finally:
        _budget.reset(token)


def time_left() -> float | None:
    """Return how many seconds are left of the budget; None without one."""
    budget = _budget.get()
    return None if budget is None else budget[0]


def spend(seconds: float) -> None:
    """Take the seconds of a vain wait out of the budget, if there is one."""
    budget = _budget.get()
    if budget is not None:
        budget[0] = max(budget[0] - seconds, 0.0)
