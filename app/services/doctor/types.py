"""What the doctor's checks take and return."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.services.doctor.context import DoctorContext


class State(StrEnum):
    """What a check found. `skipped`: there is nothing to check here, or another line says why it could not be."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Found:
    """One finding of a check: what was found, and, unless all is well, what to do.

    `subject` is the number, account or folder it is about, if there are several. `fix` names the entry of `FIXES` that
    puts it right without harm.
    """

    state: State
    text: str
    remedy: str | None = None
    subject: str | None = None
    fix: str | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """A check: its name for programs, its part of the report, what it looks at in words, and the function.

    `at_start` checks look at this machine alone and take milliseconds: they also run before each start.
    """

    name: str
    part: str
    checked: str
    look: Callable[[DoctorContext], Iterator[Found]]
    at_start: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the report: a finding, with the check that made it."""

    name: str
    part: str
    checked: str
    state: State
    found: str
    remedy: str | None
    subject: str | None
    fix: str | None


def ok(text: str, subject: str | None = None) -> Found:
    """Return the finding that all is well."""
    return Found(State.OK, text, None, subject)


def warn(text: str, remedy: str, subject: str | None = None, fix: str | None = None) -> Found:
    """Return the finding that something will, or may, become a problem."""
    return Found(State.WARN, text, remedy, subject, fix)


def fail(text: str, remedy: str, subject: str | None = None, fix: str | None = None) -> Found:
    """Return the finding that something does not work."""
    return Found(State.FAIL, text, remedy, subject, fix)


def skipped(text: str, subject: str | None = None) -> Found:
    """Return that nothing was checked, and why."""
    return Found(State.SKIPPED, text, None, subject)
