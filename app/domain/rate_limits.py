"""How fast turns may come: for a number, and for one of its recipients. Times only; pure.

Meta takes 80 messages a second of a number, in and out together, and one in six seconds to one person, of which 45 may
be borrowed in advance (Meta: throughput, about-the-platform).
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

PAIR_INTERVAL = timedelta(seconds=6.1)
"""A little over Meta's six seconds: it counts when a message arrives, which is later for some than for others."""

PAIR_BURST = 45

USED = 0.98
"""How much of a number's rate is used. Turns are even, arrivals are not quite: what is left keeps any second that Meta
may count within its limit."""

AHEAD = timedelta(milliseconds=150)
"""How far ahead turns are given out. Whoever comes next waits no longer than this, whatever is queued."""

LEAD = timedelta(milliseconds=30)
"""How soon after it was given out a turn may be: what gives out turns must be committed before the first is over."""

DOUBTS = 2
"""After so many outcomes in a row that nobody knows nothing leaves, until Meta has answered a question."""

TOKEN_PAUSES = ("checking", "auth")
"""Why a number is paused whose token Meta refused: it is being asked whether that is so, or has said so."""

SHORTEST_TRIAL_PAUSE, LONGEST_TRIAL_PAUSE = timedelta(seconds=5), timedelta(minutes=15)
LONGEST_PROBE_PAUSE = timedelta(seconds=60)
"""How long a question, or the one message after its answer, may be under way before another one is asked."""

LONGEST_PAUSE = timedelta(seconds=300)
AUTH_PAUSE = timedelta(minutes=10)
"""How long a number with a dead token is left alone at most, before Meta is asked again."""

LONGEST_TURN = timedelta(seconds=10)
"""How far ahead a number's next turn can be: a caller waits five seconds at most for one, and gets it then."""


@dataclass(slots=True)
class Pace:
    """How fast a number may send: what `models.NumberPace` tells of, while somebody holds its row."""

    phone_number_id: str
    next_turn_at: datetime
    inbound_counted_at: datetime
    share: float = 1.0
    share_changed_at: datetime | None = None
    doubts: int = 0
    probe_at: datetime | None = None
    paused_for: str | None = None
    paused_until: datetime | None = None
    token_hash: str | None = None
    bulk_stopped_by: int | None = None
    proven_token: str | None = None
    in_doubt_since: datetime | None = None


@dataclass(slots=True)
class Pair:
    """One recipient of a number: when what was sent is paid back, and the other address that Meta took, if any."""

    recipient: str
    paid_until: datetime
    address: str | None = None


def believe(pace: Pace, now: datetime) -> None:
    """Bring times that a wrong clock has left in a pace back to what they can honestly be."""
    pace.next_turn_at = min(pace.next_turn_at, now + LONGEST_TURN)
    pace.inbound_counted_at = min(pace.inbound_counted_at, now)
    if pace.share_changed_at is not None:
        pace.share_changed_at = min(pace.share_changed_at, now)
    if pace.in_doubt_since is not None:
        pace.in_doubt_since = min(pace.in_doubt_since, now)
    if pace.probe_at is not None:
        pace.probe_at = min(pace.probe_at, now + LONGEST_TRIAL_PAUSE)
    if pace.paused_until is not None:
        longest = AUTH_PAUSE if pace.paused_for in TOKEN_PAUSES else LONGEST_PAUSE
        pace.paused_until = min(pace.paused_until, now + longest)


def believable(paid_until: datetime, now: datetime) -> datetime:
    """Return what a stored `paid_until` of a pair can honestly be at most."""
    return min(paid_until, pair_refused_until(now))


def turns(now: datetime, next_turn_at: datetime, rate: float, wanted: int) -> list[datetime]:
    """At most `wanted` turns from the next free one on, evenly spaced, none later than `AHEAD`.

    The first after a pause may be at once: one that leaves a little late harms nothing.
    """
    step = timedelta(seconds=1 / (rate * USED))
    found = [now] if wanted > 0 and next_turn_at <= now else []
    first = max(now + LEAD, next_turn_at, *(turn + step for turn in found))
    count = min(wanted - len(found), (now + AHEAD - first) // step + 1)
    return found + [first + place * step for place in range(count)]


def turn_after(turn: datetime, rate: float, messages: int = 1) -> datetime:
    """When the next message may leave after `messages` have."""
    return turn + timedelta(seconds=messages / (rate * USED))


def pair_ready_at(paid_until: datetime) -> datetime:
    """When the next message to this recipient may leave."""
    return paid_until - (PAIR_BURST - 1) * PAIR_INTERVAL


def pair_paid_until(paid_until: datetime, now: datetime) -> datetime:
    """When everything is paid back, with one more message at `now`."""
    return max(paid_until, now) + PAIR_INTERVAL


def pair_refused_until(now: datetime) -> datetime:
    """`paid_until` after Meta said that a pair was too fast: all is spent, and half a minute is left alone."""
    return now + PAIR_BURST * PAIR_INTERVAL + timedelta(seconds=30)


def trial_pause(in_doubt_for: timedelta) -> timedelta:
    """How long no message is risked after one whose outcome nobody knows: as long again as it has gone on already.

    So an hour in which Meta answers questions but no sends costs some ten messages, not one a minute.
    """
    return min(max(in_doubt_for, SHORTEST_TRIAL_PAUSE), LONGEST_TRIAL_PAUSE)


def retry_pause(refusals: int, asked_seconds: int | None = None) -> timedelta:
    """How long a message waits after Meta's `refusals`-th "not now": what Meta asked for, else 1, 2, 4 … s, ±20 %."""
    pause = timedelta(seconds=asked_seconds) if asked_seconds else timedelta(seconds=2 ** min(refusals, 9) / 2)
    return min(pause, LONGEST_PAUSE) * random.uniform(0.8, 1.2)  # noqa: S311
