"""What Graph's answer to a send means: for the message, for its number, and for its recipient.

The one place that decides. Whatever is certain not to have gone out may be tried again; whatever may have is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from app.domain import rate_limits
from app.domain.numbers import BusinessNumber
from app.domain.phone_numbers import from_wa_id, to_wa_id, variants
from app.domain.rate_limits import Pace, Pair
from app.errors import GraphError, GraphNotTried, GraphThrottled, GraphUnauthorised, GraphUnavailable, GraphUnknown
from app.graph.answers import SendResult, leaves_doubt
from app.graph.codes import ErrorClass, meaning
from app.services.sending.rate_limits import token_hash
from app.services.sending.record import LANES

NOT_ALLOWED = 131030
"""Meta's code for a recipient that is not on a test number's list, also when the list has the number's other form."""

MOST_WITHOUT_PERMISSION = 5
"""How often a message is tried again for which the token lacks a permission, while nothing else went with the token."""

MOST_TOKEN_REFUSED = 3
"""How often a message is tried for which Meta refused the token and then, asked about the number, did not."""

SMALLEST_SHARE = 0.1
BULK = max(LANES.values())


class Fate(StrEnum):
    """What becomes of the message."""

    ACCEPTED = "accepted"
    FAILED = "failed"
    UNKNOWN = "unknown"
    AGAIN = "again"
    UNTRIED = "untried"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A message's fate; with `AGAIN`, when it may be tried next, and whether that was a refusal that counts."""

    fate: Fate
    due_at: datetime | None = None
    counts: bool = False


def judge(
    answer: SendResult | GraphError,
    *,
    number: BusinessNumber,
    pace: Pace,
    pair: Pair | None,
    lane: int,
    refusals: int,
    now: datetime,
) -> Verdict:
    """Decide, and note in the paces what the answer says about the number and the recipient.

    `pair` may be left out for a message that was accepted.
    """
    if isinstance(answer, GraphNotTried):
        if pair is not None:
            pair.paid_until -= rate_limits.PAIR_INTERVAL
        return Verdict(Fate.UNTRIED)
    if isinstance(answer, GraphUnknown):
        _doubt(pace, now)
        return Verdict(Fate.UNKNOWN)
    code = (answer.meta or {}).get("code") if isinstance(answer, GraphError) else None
    if leaves_doubt(answer):
        _doubt(pace, now)
        return Verdict(Fate.AGAIN, now + min(rate_limits.retry_pause(refusals + 1), timedelta(seconds=30)), counts=True)
    pace.doubts, pace.probe_at, pace.in_doubt_since = 0, None, None
    if isinstance(answer, GraphUnauthorised):
        return _unauthorised(answer, number, pace, refusals, now)
    if isinstance(answer, SendResult):
        pace.proven_token = token_hash(number)
        if pace.paused_for in rate_limits.TOKEN_PAUSES and pace.token_hash == pace.proven_token:
            pace.paused_for = pace.paused_until = pace.token_hash = None
        return Verdict(Fate.ACCEPTED)
    assert pair is not None
    if isinstance(answer, GraphThrottled):
        return _slow_down(answer, pace, pair, refusals, now)
    if isinstance(answer, GraphUnavailable):
        return _try_later(answer, code, refusals, now)
    return _refused(answer, code, pace, pair, lane, now)


def _doubt(pace: Pace, now: datetime) -> None:
    pace.doubts += 1
    pace.in_doubt_since = pace.in_doubt_since or now
    pace.probe_at = now + rate_limits.trial_pause(now - pace.in_doubt_since)


def _unauthorised(
    answer: GraphUnauthorised, number: BusinessNumber, pace: Pace, refusals: int, now: datetime
) -> Verdict:
    """A permission that is missing is the message's own matter; a token that is refused may be the number's.

    The number then waits until Meta was asked about it (`probing`).
    """
    if (answer.meta or {}).get("class") == ErrorClass.PERMISSION:
        if pace.proven_token == token_hash(number) or refusals >= MOST_WITHOUT_PERMISSION:
            return Verdict(Fate.FAILED)
        return Verdict(Fate.AGAIN, now + rate_limits.retry_pause(refusals + 1), counts=True)
    if refusals >= MOST_TOKEN_REFUSED:
        return Verdict(Fate.FAILED)
    if pace.paused_for not in rate_limits.TOKEN_PAUSES:
        pace.paused_for, pace.paused_until, pace.token_hash = "checking", now, token_hash(number)
    return Verdict(Fate.AGAIN, now, counts=True)


def _slow_down(
    answer: GraphThrottled, pace: Pace, pair: Pair, refusals: int, now: datetime
) -> Verdict:
    kind = (answer.meta or {}).get("class")
    if kind == ErrorClass.RATE_PAIR:
        pair.paid_until = max(pair.paid_until, rate_limits.pair_refused_until(now))
        return Verdict(Fate.AGAIN, rate_limits.pair_ready_at(pair.paid_until))
    seconds = answer.retry_after or (1 if kind == ErrorClass.RATE_NUM else 60)
    if kind == ErrorClass.RATE_NUM and (pace.share_changed_at is None or now - pace.share_changed_at >= _SECOND):
        # Once a second at most: everything under way at that moment comes back with the same complaint.
        pace.share, pace.share_changed_at = max(SMALLEST_SHARE, pace.share * 0.8), now
    pace.paused_for = "rate"
    pace.paused_until = max(pace.paused_until or now, now + min(timedelta(seconds=seconds), rate_limits.LONGEST_PAUSE))
    return Verdict(Fate.AGAIN, pace.paused_until)


_SECOND = timedelta(seconds=1)


def _try_later(answer: GraphUnavailable, code: int | None, refusals: int, now: datetime) -> Verdict:
    known = meaning(code)
    if known is not None and known.retries is not None and refusals >= known.retries:
        return Verdict(Fate.FAILED)
    return Verdict(Fate.AGAIN, now + rate_limits.retry_pause(refusals + 1, answer.retry_after), counts=True)


def _refused(
    answer: GraphError, code: int | None, pace: Pace, pair: Pair, lane: int, now: datetime
) -> Verdict:
    if (answer.meta or {}).get("class") == ErrorClass.STOP_NUM:
        pace.bulk_stopped_by = code
        return Verdict(Fate.AGAIN, now) if lane == BULK else Verdict(Fate.FAILED)
    if code == NOT_ALLOWED:
        other = other_form(pair)
        if pair.address is None and other is not None:
            pair.address = other
            return Verdict(Fate.AGAIN, now)
        pair.address = None
    return Verdict(Fate.FAILED)


def other_form(pair: Pair) -> str | None:
    """The other way in which Meta may know an Argentine, Mexican or Brazilian number; None for all others."""
    if not pair.recipient.startswith("+"):
        return None
    others = variants(to_wa_id(pair.recipient))[1:]
    return from_wa_id(others[0]) if others else None


def label(answer: object) -> str:
    """What the metrics count an answer as, however the message was sent: `accepted`, `unknown`, or the error's code."""
    return answer.code if isinstance(answer, GraphError) else "accepted"


def reason(error: GraphError) -> dict[str, object]:
    """What a failed message says about why."""
    meta = error.meta or {}
    return {"code": meta.get("code"), "title": error.message, "details": meta.get("details")}
