"""When the next message may be sent: per business number, and per number and recipient. Pure functions of times.

Meta accepts 80 messages per second and number, inbound and outbound together, and one message per 6 seconds to one
recipient, of which 45 may be sent at once (Meta: throughput; about-the-platform). The number's limit is a leaky bucket,
the recipient's limit a GCRA whose theoretical arrival time is `paid_until`.

`NumberLimiter` also holds the state of the circuit breaker on ambiguous results. `ambiguous_failures` of at least
`BREAKER_THRESHOLD` means open; then `probe_at` is when Meta is probed, or None when half-open: one message may be sent.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

RECIPIENT_INTERVAL = timedelta(seconds=6.1)
"""A little over Meta's six seconds: Meta counts when a message arrives, and the time on the way varies."""

RECIPIENT_BURST = 45

UTILISATION = 0.98
"""The used part of a number's rate. Slots are evenly spaced, arrivals at Meta are not; the rest keeps every second that
Meta may count within its limit."""

SLOT_HORIZON = timedelta(milliseconds=150)
"""How far ahead slots are assigned. A new send of higher priority waits at most so long behind assigned slots."""

MIN_LEAD_TIME = timedelta(milliseconds=30)
"""The shortest time between assigning a slot and the slot, since the transaction must be committed before the slot."""

BREAKER_THRESHOLD = 2
"""After so many ambiguous results in a row nothing of the number is sent until Meta has answered a probe."""

TOKEN_PAUSES = ("checking", "auth")
"""Values of `paused_for` while a token is refused: `checking` until Meta was probed, `auth` once Meta confirmed it."""

MIN_OPEN_TIME, MAX_OPEN_TIME = timedelta(seconds=5), timedelta(minutes=15)
PROBE_TIMEOUT = timedelta(seconds=60)
"""How long a probe, or the one message of the half-open state, may take before the next probe starts."""

MAX_PAUSE = timedelta(seconds=300)
MAX_AUTH_PAUSE = timedelta(minutes=10)
"""The longest time between two probes of a number whose token Meta refuses."""

MAX_SLOT_DELAY = timedelta(seconds=10)
"""How far ahead `next_slot_at` can be: a synchronous caller reserves a slot at most five seconds ahead."""


@dataclass(slots=True)
class NumberLimiter:
    """The limiter and the breaker of one number, as stored in `models.NumberLimit`, while its row is locked."""

    phone_number_id: str
    next_slot_at: datetime
    inbound_counted_at: datetime
    share: float = 1.0
    share_changed_at: datetime | None = None
    ambiguous_failures: int = 0
    probe_at: datetime | None = None
    paused_for: str | None = None
    paused_until: datetime | None = None
    token_hash: str | None = None
    bulk_stopped_by: int | None = None
    proven_token: str | None = None
    ambiguous_since: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Return whether the breaker is open or half-open."""
        return self.ambiguous_failures >= BREAKER_THRESHOLD

    @property
    def is_token_refused(self) -> bool:
        """Return whether the number is paused because Meta refused its token."""
        return self.paused_for in TOKEN_PAUSES

    def end_pause(self) -> None:
        """End a pause, for whatever reason it was made."""
        self.paused_for = self.paused_until = self.token_hash = None

    def close_breaker(self) -> None:
        """Close the breaker after a result that is not ambiguous."""
        self.ambiguous_failures, self.probe_at, self.ambiguous_since = 0, None, None


@dataclass(slots=True)
class RecipientLimiter:
    """The limiter of one recipient of a number. `address` is another form of the recipient's number that Meta accepted
    when it refused the usual form; None if there is none."""

    recipient: str
    paid_until: datetime
    address: str | None = None


def clamp(limiter: NumberLimiter, now: datetime) -> None:
    """Bound stored times to what a correct clock can have written, so that a wrong clock cannot block a number."""
    limiter.next_slot_at = min(limiter.next_slot_at, now + MAX_SLOT_DELAY)
    limiter.inbound_counted_at = min(limiter.inbound_counted_at, now)
    if limiter.share_changed_at is not None:
        limiter.share_changed_at = min(limiter.share_changed_at, now)
    if limiter.ambiguous_since is not None:
        limiter.ambiguous_since = min(limiter.ambiguous_since, now)
    if limiter.probe_at is not None:
        limiter.probe_at = min(limiter.probe_at, now + MAX_OPEN_TIME)
    if limiter.paused_until is not None:
        longest = MAX_AUTH_PAUSE if limiter.is_token_refused else MAX_PAUSE
        limiter.paused_until = min(limiter.paused_until, now + longest)


def clamp_paid_until(paid_until: datetime, now: datetime) -> datetime:
    """Bound a stored `paid_until` to the latest time that a correct clock can have written."""
    return min(paid_until, paid_until_exhausted(now))


def free_slots(now: datetime, next_slot_at: datetime, rate: float, wanted: int) -> list[datetime]:
    """Return at most `wanted` evenly spaced slots from `next_slot_at` on, none later than `SLOT_HORIZON` from now.

    `rate` is messages per second. The first slot after a pause may be `now` itself: being a little late does no harm.
    """
    step = timedelta(seconds=1 / (rate * UTILISATION))
    found = [now] if wanted > 0 and next_slot_at <= now else []
    first = max(now + MIN_LEAD_TIME, next_slot_at, *(slot + step for slot in found))
    count = min(wanted - len(found), (now + SLOT_HORIZON - first) // step + 1)
    return found + [first + position * step for position in range(count)]


def slot_after(slot: datetime, rate: float, messages: int = 1) -> datetime:
    """Return the first slot after `messages` messages from `slot` on, at `rate` messages per second."""
    return slot + timedelta(seconds=messages / (rate * UTILISATION))


def recipient_ready_at(paid_until: datetime) -> datetime:
    """Return when the next message to this recipient may be sent."""
    return paid_until - (RECIPIENT_BURST - 1) * RECIPIENT_INTERVAL


def paid_until_after(paid_until: datetime, now: datetime) -> datetime:
    """Return the new `paid_until` after one more message at `now`."""
    return max(paid_until, now) + RECIPIENT_INTERVAL


def paid_until_exhausted(now: datetime) -> datetime:
    """Return `paid_until` after Meta refused a recipient's rate: the burst is used up, and 30 s are added."""
    return now + RECIPIENT_BURST * RECIPIENT_INTERVAL + timedelta(seconds=30)


def open_time(ambiguous_for: timedelta) -> timedelta:
    """Return how long the breaker stays open after an ambiguous result: as long as the trouble has lasted already.

    So an hour in which Meta answers probes but no sends costs about ten messages, instead of one per minute.
    """
    return min(max(ambiguous_for, MIN_OPEN_TIME), MAX_OPEN_TIME)


def retry_delay(refusals: int, asked_seconds: int | None = None) -> timedelta:
    """Return how long a message waits after its `refusals`-th refusal: as Meta asked, else 1, 2, 4 … s, ±20 %."""
    delay = timedelta(seconds=asked_seconds) if asked_seconds else timedelta(seconds=2 ** min(refusals, 9) / 2)
    return min(delay, MAX_PAUSE) * random.uniform(0.8, 1.2)  # noqa: S311
