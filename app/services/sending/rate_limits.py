"""Who may leave when: Meta's limits, kept in the database for all processes together."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from app.domain import rate_limits
from app.domain.numbers import BusinessNumber
from app.domain.rate_limits import Pace, Pair
from app.errors import GraphThrottled, GraphUnavailable
from app.store import rate_limits as paces

LONGEST_WAIT = timedelta(seconds=5)
"""How long a caller who waits for Meta's answer is kept waiting for the turn. With the call itself it stays below the
30 s that platforms give a request."""

RECOVER_AFTER = timedelta(seconds=10)


class InDoubt(GraphUnavailable):
    """Nothing of the number leaves, because Meta gives no clear answers."""


def token_hash(number: BusinessNumber) -> str:
    """What tells one token from another without being one."""
    return hashlib.sha256(number.access_token.encode()).hexdigest()


def take_now(session: Session, number: BusinessNumber, recipient: str, now: datetime) -> tuple[datetime, Pair]:
    """The turn of one message whose caller waits.

    Raises `GraphThrottled` when it would come too late, and `InDoubt` while Meta leaves us in doubt.
    """
    pace = paces.hold(session, number.phone_number_id, now)
    _recover(pace, now)
    if pace.doubts >= rate_limits.DOUBTS:
        if pace.probe_at is not None:
            raise InDoubt(
                "Meta gives no clear answers at the moment; it is being asked whether it is well again.",
                retry_after=_seconds(pace.probe_at, now),
            )
        begin_trial(pace, now)
    pair = paces.of_pairs(session, number.phone_number_id, [recipient], now)[recipient]
    ready_at = max(pace.next_turn_at, rate_limits.pair_ready_at(pair.paid_until), now)
    if pace.paused_for == "rate" and pace.paused_until is not None:
        ready_at = max(ready_at, pace.paused_until)
    if ready_at > now + LONGEST_WAIT:
        raise GraphThrottled(
            "The number, or this recipient, has had as many messages as Meta allows for now; try again later, or send"
            " with `mode`: queued.",
            retry_after=_seconds(ready_at, now),
        )
    pace.next_turn_at = rate_limits.turn_after(ready_at, number.rate * pace.share)
    pair.paid_until = rate_limits.pair_paid_until(pair.paid_until, ready_at)
    paces.keep(session, pace)
    paces.save_pairs(session, number.phone_number_id, [pair])
    return ready_at, pair


def begin_trial(pace: Pace, now: datetime) -> None:
    """Note that the one message leaves which shows whether Meta takes messages again."""
    pace.probe_at = now + rate_limits.LONGEST_PROBE_PAUSE  # until its outcome says better


def open_turns(
    session: Session, pace: Pace, number: BusinessNumber, now: datetime, wanted: int
) -> list[datetime]:
    """At most `wanted` turns of a number for its queue; none while it is paused."""
    _recover(pace, now)
    if pace.paused_for in rate_limits.TOKEN_PAUSES or (pace.paused_until is not None and pace.paused_until > now):
        return []
    if pace.doubts >= rate_limits.DOUBTS:
        if pace.probe_at is not None:
            return []
        wanted = min(wanted, 1)
    inbound = paces.count_inbound(session, number.phone_number_id, pace.inbound_counted_at, now)
    pace.inbound_counted_at = now
    rate = number.rate * pace.share
    if inbound:
        pace.next_turn_at = rate_limits.turn_after(max(pace.next_turn_at, now - timedelta(seconds=1)), rate, inbound)
    return rate_limits.turns(now, pace.next_turn_at, rate, wanted)


def _recover(pace: Pace, now: datetime) -> None:
    """Use more of the rate again, some time after Meta said that it was too much."""
    if pace.share < 1 and pace.share_changed_at is not None and now - pace.share_changed_at >= RECOVER_AFTER:
        pace.share, pace.share_changed_at = min(1.0, pace.share + 0.1), now


def _seconds(until: datetime, now: datetime) -> int:
    return max(1, int((until - now).total_seconds() + 0.999))
