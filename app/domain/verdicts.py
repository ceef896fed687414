"""What an answer says: of the event that was delivered, or of the app.

An app that answers one event 400 or 500 says nothing of itself, and so nobody else's events wait. One that is silent,
or that fails whatever it is given, is left alone for a while: see `breaker`.
"""

from __future__ import annotations

from enum import StrEnum

ABOUT_THE_APP = frozenset({408, 425, 429})
"""Refusals that would be the same for any event: too slow, too early, too many."""

GONE_FOR_GOOD = 410
BUSY = 429


class Verdict(StrEnum):
    """What a try showed."""

    TAKEN = "taken"
    REFUSED = "refused"
    """The app answered, and did not take this event."""
    FAILING = "failing"
    """The app answers, and cannot take anything, as far as is known."""
    SILENT = "silent"
    """Nothing came of it, or nothing whole."""


def judge(status: int | None, *, is_whole: bool, was_reached: bool, took_others: bool, took_lately: bool) -> Verdict:
    """Return what came of a try.

    `is_whole`: a whole answer came. `was_reached`: a connection was made, so that the app may have seen the event.
    `took_others`: it took another event that was posted later than this one. `took_lately`: it took one just before.
    """
    if status is None or not is_whole:
        return Verdict.REFUSED if was_reached and took_others else Verdict.SILENT
    if 200 <= status < 300:
        return Verdict.TAKEN
    if 300 <= status < 500 and status not in ABOUT_THE_APP:
        return Verdict.REFUSED
    if status == BUSY:
        return Verdict.FAILING
    return Verdict.REFUSED if took_others or took_lately else Verdict.FAILING
