"""Reasons to hold a send for a person, and the error that a held message shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class HeldFor(StrEnum):
    """Why a message is held."""

    UNKNOWN = "unknown"
    """Neither Graph's answer nor a report arrived: it may have been sent."""

    UNLIKELY = "unlikely"
    """A proxy or page between the gateway and Graph answered at once, so it hardly was sent. It is sent again
    automatically once Meta has reported on a later message of the number."""

    TOKEN = "token"
    """It waited too long while Meta refused the number's token: it certainly was not sent."""

    RESTORED = "restored"
    """The database had been out of use, so another copy of it may have sent the message."""

    ASKED = "asked"
    """A person held all waiting sends (`flask sends hold`)."""


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
    """Return the `error` object of a held message (`title` and `details`; no `code`, because Meta sent none)."""
    return {"code": None, "title": _WORDS[reason], "details": f"held: {reason}"}


@dataclass(frozen=True, slots=True)
class Selection:
    """Selects the messages that match every given field. `numbers` bounds what the caller may see; None means all."""

    statuses: tuple[str, ...]
    numbers: tuple[str, ...] | None = None
    phone_number_id: str | None = None
    batch_id: str | None = None
    reason: str | None = None
    asked_before: datetime | None = None
