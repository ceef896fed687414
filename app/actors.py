"""Who acts in this thread, greenlet or command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token

CLI = "cli"
SYSTEM = "system"
"""The gateway itself, where nobody asked."""

_actor: ContextVar[str] = ContextVar("audit_actor", default=SYSTEM)


def current_actor() -> str:
    """Return who acts: `person:<id>`, `key:<name>`, `cli`, or `system`."""
    return _actor.get()


def acting_as(actor: str) -> Token[str]:
    """Name who acts from now on in this thread or greenlet. `no_longer_acting` takes the token back."""
    return _actor.set(actor)


def no_longer_acting(token: Token[str]) -> None:
    """Restore who acted before `acting_as`."""
    _actor.reset(token)


@contextmanager
def acting(actor: str) -> Iterator[None]:
    """Name who acts inside the block."""
    token = acting_as(actor)
    try:
        yield
    finally:
        no_longer_acting(token)
