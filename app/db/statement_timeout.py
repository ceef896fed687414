"""How long one statement may take: a server that is frozen, or a connection nobody answers on, must hold nobody up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

STATEMENT_SECONDS = 5.0
"""For the ways in and out. Lists, sends and deliveries need milliseconds."""

PING_SECONDS = 2.0
"""For the question whether a connection that was idle still is there."""

_seconds: ContextVar[float | None] = ContextVar("statement_seconds", default=STATEMENT_SECONDS)


def current() -> float | None:
    """Return the bound of a statement that begins now, in seconds; None for no bound."""
    return _seconds.get()


@contextmanager
def of(seconds: float | None) -> Iterator[None]:
    """Let statements of the body take so long; None, as operators' commands do, lets them take any time."""
    token = _seconds.set(seconds)
    try:
        yield
    finally:
        _seconds.reset(token)
