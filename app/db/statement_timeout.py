"""The timeout of one statement, so that a frozen server or a dead connection blocks no caller for long."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

STATEMENT_SECONDS = 5.0
"""For requests and loops. Lists, sends and deliveries need milliseconds."""

PING_SECONDS = 2.0
"""For the check whether an idle connection still works."""

_seconds: ContextVar[float | None] = ContextVar("statement_seconds", default=STATEMENT_SECONDS)


def current() -> float | None:
    """Return the timeout in seconds for a statement that begins now; None for no timeout."""
    return _seconds.get()


@contextmanager
def of(seconds: float | None) -> Iterator[None]:
    """Set the timeout in seconds for statements of the body; None, for operators' commands, removes it."""
    token = _seconds.set(seconds)
    try:
        yield
    finally:
        _seconds.reset(token)
