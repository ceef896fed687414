"""Why a send is held for a person, and what the message says about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class HeldFor(StrEnum):
    """Why a send is held."""

    UNKNOWN = "unknown"
    """Graph's answer never came, nor a report: it may have gone."""

    UNLIKELY = "unlikely"
    """Something between Graph and us answered in Graph's place, at once: it hardly went. It is sent again by itself
    once Meta has reported on a later message of the number."""

    TOKEN = "token"
    """It waited for too long while its number's token was refused: it certainly did not go."""

    RESTORED = "restored"
    """The database had been out of use, so another copy of it may have sent the message: it may have gone."""

    ASKED = "asked"
    """Somebody had everything held that waited (`flask sends hold`)."""


_WORDS = {
    HeldFor.UNKNOWN: "Meta's answer never came, nor a report; the message may have gone out.",
    HeldFor.UNLIKELY: (
        "A page that is not Meta's answered at once in its place, so the message hardly went out. It is sent again once"
        " Meta reports on a later message of this number and not on this one."
    ),
    HeldFor.TOKEN: (
        "The message certainly did not go out: it waited for more than 15 minutes while Meta refused the number's"
        " access token, so it may no longer make sense."
    ),
    HeldFor.RESTORED: (
        "The database had been out of use, as after a restore; the message may have gone out since the copy was made."
    ),
    HeldFor.ASKED: "Somebody asked for everything to be held that waited.",
}


def hold_error(reason: HeldFor) -> dict[str, Any]:
    """Return what a held message's `error` says. Meta said nothing, so there is no code."""
    return {"code": None, "title": _WORDS[reason], "details": f"held: {reason}"}


@dataclass(frozen=True, slots=True)
class Selection:
    """Which messages are meant: those for which all that is given is true. `numbers` bounds what the caller may see."""

    statuses: tuple[str, ...]
    numbers: tuple[str, ...] | None = None
    phone_number_id: str | None = None
    batch_id: str | None = None
    reason: str | None = None
    asked_before: datetime | None = None
