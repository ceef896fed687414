"""Run the checks side by side, within a deadline, and put their findings in the table's order."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.errors import Unavailable
from app.logs import get_logger
from app.services.doctor.catalogue import CHECKS
from app.services.doctor.context import DoctorContext
from app.services.doctor.types import Check, Found, Line, State, fail, skipped

THREADS = 12
SECONDS = 13.0
"""How long the whole may take: a page and a person wait for it."""

logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Report:
    """All lines of one run."""

    checked_at: datetime
    seconds: float
    lines: list[Line]

    @property
    def state(self) -> State:
        """`fail` if any line is one, else `warn` if any is one, else `ok`."""
        states = {line.state for line in self.lines}
        return next((state for state in (State.FAIL, State.WARN) if state in states), State.OK)


class Doctor:
    """Examines this gateway. `build` makes a context for each run, so that nothing of an earlier run is believed."""

    def __init__(
        self, build: Callable[[], DoctorContext], checks: Sequence[Check] = CHECKS, *, seconds: float = SECONDS
    ) -> None:
        self._build = build
        self._checks = checks
        self._seconds = seconds

    def context(self) -> DoctorContext:
        """Return a new context, as fixes need one."""
        return self._build()

    def log_problems_at_start(self) -> None:
        """Log what is wrong on this machine, by the checks of each start: they call nobody and take milliseconds.

        Folders that are made at their first use are no problem.
        """
        for line in self(at_start=True).lines:
            if line.state in (State.WARN, State.FAIL) and line.fix != "folders":
                reason = f"{line.found} {line.remedy}"
                logger.warning("the doctor finds something wrong", extra={"kind": line.name, "reason": reason})

    def __call__(self, only: Collection[str] = (), *, at_start: bool = False) -> Report:
        """Run all checks, those named `only`, or those of each start.

        Problems are lines and not errors; a check that is not done in time says so.
        """
        context = self._build()
        chosen = [
            check for check in self._checks
            if (not only or check.name in only) and (not at_start or check.at_start)
        ]  # fmt: skip
        began = time.monotonic()
        found = _run(chosen, context, began + self._seconds)
        lines = [
            Line(check.name, check.part, check.checked, each.state, each.text, each.remedy, each.subject, each.fix)
            for check in chosen
            for each in found.get(check.name, [_late(self._seconds)])
        ]
        return Report(context.now(), round(time.monotonic() - began, 2), lines)


def _run(checks: Sequence[Check], context: DoctorContext, until: float) -> dict[str, list[Found]]:
    """Return the findings by check, of those that were done in time.

    The threads are daemons: one that hangs in a system call keeps no process from ending.
    """
    waiting: queue.SimpleQueue[Check | None] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[str, list[Found]]] = queue.SimpleQueue()

    def work() -> None:
        while (check := waiting.get()) is not None:
            done.put((check.name, _look(check, context)))

    count = min(THREADS, len(checks))
    for each in checks:
        waiting.put(each)
    for _ in range(count):
        waiting.put(None)
        threading.Thread(target=work, name="doctor", daemon=True).start()
    found: dict[str, list[Found]] = {}
    while len(found) < len(checks) and (left := until - time.monotonic()) > 0:
        try:
            name, findings = done.get(timeout=left)
        except queue.Empty:
            break
        found[name] = findings
    return found


def _look(check: Check, context: DoctorContext) -> list[Found]:
    try:
        return list(check.look(context)) or [skipped("There is nothing to check.")]
    except Unavailable as error:
        return [skipped(f"The database cannot be used: {error.reason}.")]
    except Exception as error:
        logger.exception("a check of the doctor failed", extra={"kind": check.name})
        remedy = "This is a fault of the gateway: see the log, and report it."
        return [fail(f"The check itself failed ({type(error).__name__}).", remedy)]


def _late(seconds: float) -> Found:
    return Found(
        State.WARN, f"It was not done within {seconds:.0f} s.", "See whether Meta, the proxy or a disk is slow, and try"
        " again.",
    )  # fmt: skip
