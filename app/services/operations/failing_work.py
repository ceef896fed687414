"""Notice which kinds of work fail in this process at every try, so that a heartbeat can tell and an alert be raised."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypedDict, TypeVar

from app.clock import iso_utc
from app.errors import Unavailable

Result = TypeVar("Result")


class Failure(TypedDict):
    """Since when a kind of work has failed without a success between, and the last error: its type, no values of it."""

    since: str
    error: str


class FailingWork:
    """The kinds of work that fail in this process. Thread-safe."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._failures: dict[str, Failure] = {}

    def watched(self, name: str, step: Callable[[], Result]) -> Callable[[], Result]:
        """Return `step` as a function that notes whether it raised. What it raises goes on to the caller."""

        def watched_step() -> Result:
            try:
                result = step()
            except Exception as error:
                known = self._failures.get(name)
                reason = f"{type(error).__name__}: {error.reason}" if isinstance(error, Unavailable) else ""
                self._failures[name] = {
                    "since": known["since"] if known else iso_utc(self._now()),
                    "error": reason or type(error).__name__,
                }
                raise
            self._failures.pop(name, None)
            return result

        return watched_step

    def forget(self) -> None:
        """Forget the failures so far, because all had one cause outside of the work."""
        self._failures.clear()

    def told(self) -> dict[str, Failure]:
        """Return the failures of now, by the name of the work."""
        return dict(self._failures)
