"""Classify the result of a delivery attempt: it concerns this event only, or the app as a whole.

If an app answers one event with 400 or 500, other events are not affected, so they are not delayed. The breaker (see
`breaker`) pauses only an app that does not answer, or that fails with every event.
"""

from __future__ import annotations

from enum import StrEnum

ABOUT_THE_APP = frozenset({408, 425, 429})
"""4xx statuses that say nothing about the event: the request was too slow, too early, or one of too many."""

GONE_FOR_GOOD = 410
BUSY = 429


class DeliveryDisposition(StrEnum):
    """How a delivery attempt ended."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    """The app answered, and did not accept this event."""
    FAILING = "failing"
    """The app answers, and as far as is known it accepts no event at all."""
    NO_RESPONSE = "no_response"
    """No response came, or no complete one."""


def classify(
    status: int | None, *, is_complete: bool, was_reached: bool, accepted_later_event: bool, accepted_recently: bool
) -> DeliveryDisposition:
    """Return the disposition of an attempt.

    `status` is the HTTP status, None without a response. `is_complete`: the whole response was read. `was_reached`: a
    connection was made, so the app may have seen the event. `accepted_later_event`: the app accepted an event that was
    posted after this one. `accepted_recently`: it accepted an event within the last seconds.
    """
    if status is None or not is_complete:
        if was_reached and accepted_later_event:
            return DeliveryDisposition.REFUSED
        return DeliveryDisposition.NO_RESPONSE
    if 200 <= status < 300:
        return DeliveryDisposition.ACCEPTED
    if 300 <= status < 500 and status not in ABOUT_THE_APP:
        return DeliveryDisposition.REFUSED
    if status == BUSY:
        return DeliveryDisposition.FAILING
    if accepted_later_event or accepted_recently:
        return DeliveryDisposition.REFUSED
    return DeliveryDisposition.FAILING
