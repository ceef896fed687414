"""Assign slots: the times at which a number may send, by Meta's limits. All processes share them in the database."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from app.domain import rate_limits
from app.domain.numbers import BusinessNumber
from app.domain.rate_limits import NumberLimiter, RecipientLimiter
from app.errors import GraphThrottled, GraphUnavailable
from app.store import limiters

MAX_WAIT = timedelta(seconds=5)
"""How long a synchronous caller waits for its slot at most. Wait and call together stay below the 30 s that platforms
allow a request."""

RECOVER_AFTER = timedelta(seconds=10)


class CircuitOpen(GraphUnavailable):
    """The number sends nothing at the moment, because Meta's last results were ambiguous."""


def reserve_slot(
    session: Session, number: BusinessNumber, recipient: str, now: datetime
) -> tuple[datetime, RecipientLimiter]:
    """Reserve a slot for one synchronous send; return the slot and the recipient's limiter.

    Raises `GraphThrottled` if the slot is more than `MAX_WAIT` ahead, and `CircuitOpen`.
    """
    limiter = limiters.lock(session, number.phone_number_id, now)
    _raise_share(limiter, now)
    if limiter.is_open:
        if limiter.probe_at is not None:
            raise CircuitOpen(
                "Meta gives no clear answers at the moment; it is being asked whether it is well again.",
                retry_after=_seconds(limiter.probe_at, now),
            )
        start_trial(limiter, now)
    of_recipient = limiters.of_recipients(session, number.phone_number_id, [recipient], now)[recipient]
    slot = max(limiter.next_slot_at, rate_limits.recipient_ready_at(of_recipient.paid_until), now)
    if limiter.paused_for == "rate" and limiter.paused_until is not None:
        slot = max(slot, limiter.paused_until)
    if slot > now + MAX_WAIT:
        raise GraphThrottled(
            "The number, or this recipient, has had as many messages as Meta allows for now; try again later, or send"
            " with `mode`: queued.",
            retry_after=_seconds(slot, now),
        )
    limiter.next_slot_at = rate_limits.slot_after(slot, number.rate * limiter.share)
    of_recipient.paid_until = rate_limits.paid_until_after(of_recipient.paid_until, slot)
    limiters.save(session, limiter)
    limiters.save_recipients(session, number.phone_number_id, [of_recipient])
    return slot, of_recipient


def start_trial(limiter: NumberLimiter, now: datetime) -> None:
    """Let one message through a half-open breaker, and no other one until its result is known."""
    limiter.probe_at = now + rate_limits.PROBE_TIMEOUT


def free_slots(
    session: Session, limiter: NumberLimiter, number: BusinessNumber, now: datetime, wanted: int
) -> list[datetime]:
    """Return at most `wanted` slots for a number's queue: none while it is paused, at most one while half-open."""
    _raise_share(limiter, now)
    if limiter.is_token_refused or (limiter.paused_until is not None and limiter.paused_until > now):
        return []
    if limiter.is_open:
        if limiter.probe_at is not None:
            return []
        wanted = min(wanted, 1)
    inbound = limiters.count_inbound(session, number.phone_number_id, limiter.inbound_counted_at, now)
    limiter.inbound_counted_at = now
    rate = number.rate * limiter.share
    if inbound:
        since = max(limiter.next_slot_at, now - timedelta(seconds=1))
        limiter.next_slot_at = rate_limits.slot_after(since, rate, inbound)
    return rate_limits.free_slots(now, limiter.next_slot_at, rate, wanted)


def _raise_share(limiter: NumberLimiter, now: datetime) -> None:
    """Use more of the rate again, step by step, after Meta had refused some messages as too many."""
    is_due = limiter.share_changed_at is not None and now - limiter.share_changed_at >= RECOVER_AFTER
    if limiter.share < 1 and is_due:
        limiter.share, limiter.share_changed_at = min(1.0, limiter.share + 0.1), now


def _seconds(until: datetime, now: datetime) -> int:
    return max(1, int((until - now).total_seconds() + 0.999))
