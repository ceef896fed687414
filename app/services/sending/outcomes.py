"""Classify Graph's result of a send: the disposition of the message, and what it says about number and recipient.

All sends, synchronous and queued, are classified here. A message may be retried only if it certainly was not sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from app import metrics
from app.domain import rate_limits
from app.domain.numbers import BusinessNumber
from app.domain.outbound import Priority
from app.domain.phone_numbers import from_wa_id, to_wa_id, variants
from app.domain.rate_limits import NumberLimiter, RecipientLimiter
from app.errors import GraphError, GraphNotTried, GraphThrottled, GraphUnauthorised, GraphUnavailable, GraphUnknown
from app.graph.answers import SendResult, is_ambiguous
from app.graph.codes import CODES, ErrorClass, meaning

NOT_ALLOWED = 131030
"""Meta's code for a recipient that is not on a test number's list. Also returned if the list has the number's other
form."""

MAX_RETRIES_WITHOUT_PERMISSION = 5
"""How often a message is retried whose token lacks a permission, while no other message was accepted with the token."""

MAX_TOKEN_REFUSALS = 3
"""How often a message is retried whose token Meta refused for the send, but not for the probe that followed."""

MAX_AMBIGUOUS_RETRY_DELAY = timedelta(seconds=30)
MIN_SHARE = 0.1
SHARE_CHANGES_AFTER = timedelta(seconds=1)
"""Calls in flight at the same moment are refused together; only the first of them lowers the share."""


class Disposition(StrEnum):
    """What happens to the message after a call."""

    ACCEPTED = "accepted"
    FAILED = "failed"
    UNKNOWN = "unknown"
    RETRY = "retry"
    NOT_TRIED = "not_tried"


@dataclass(frozen=True, slots=True)
class Classification:
    """A disposition. With `RETRY`: when the next attempt is due, and whether it `counts` as a refusal."""

    disposition: Disposition
    due_at: datetime | None = None
    counts: bool = False


def classify(
    result: SendResult | GraphError,
    *,
    number: BusinessNumber,
    limiter: NumberLimiter,
    recipient: RecipientLimiter | None,
    rank: int,
    refusals: int,
    now: datetime,
) -> Classification:
    """Return the disposition of a message, and update both limiters by what the result says.

    `recipient` may be None for a message that was accepted. `rank` is that of the message's priority, `refusals` how
    often it was refused before.
    """
    if isinstance(result, GraphNotTried):
        if recipient is not None:
            recipient.paid_until -= rate_limits.RECIPIENT_INTERVAL
        return Classification(Disposition.NOT_TRIED)
    if isinstance(result, GraphUnknown):
        _count_ambiguous(limiter, now)
        return Classification(Disposition.UNKNOWN)
    code = (result.meta or {}).get("code") if isinstance(result, GraphError) else None
    if is_ambiguous(result):
        _count_ambiguous(limiter, now)
        return _retry(now + min(rate_limits.retry_delay(refusals + 1), MAX_AMBIGUOUS_RETRY_DELAY), counts=True)
    limiter.close_breaker()
    if isinstance(result, GraphUnauthorised):
        return _unauthorised(result, number, limiter, refusals, now)
    if isinstance(result, SendResult):
        limiter.proven_token = number.token_hash
        if limiter.is_token_refused and limiter.token_hash == limiter.proven_token:
            limiter.end_pause()
        return Classification(Disposition.ACCEPTED)
    assert recipient is not None
    if isinstance(result, GraphThrottled):
        return _throttled(result, limiter, recipient, now)
    if isinstance(result, GraphUnavailable):
        return _unavailable(result, code, refusals, now)
    return _refused(result, code, limiter, recipient, rank, now)


def _retry(due_at: datetime, *, counts: bool = False) -> Classification:
    return Classification(Disposition.RETRY, due_at, counts)


def _count_ambiguous(limiter: NumberLimiter, now: datetime) -> None:
    limiter.ambiguous_failures += 1
    limiter.ambiguous_since = limiter.ambiguous_since or now
    limiter.probe_at = now + rate_limits.open_time(now - limiter.ambiguous_since)


def _unauthorised(
    error: GraphUnauthorised, number: BusinessNumber, limiter: NumberLimiter, refusals: int, now: datetime
) -> Classification:
    """Classify a refused token. A missing permission may concern the message alone; else the number is paused until
    Meta was probed (`probe`)."""
    if (error.meta or {}).get("class") == ErrorClass.PERMISSION:
        if limiter.proven_token == number.token_hash or refusals >= MAX_RETRIES_WITHOUT_PERMISSION:
            return Classification(Disposition.FAILED)
        return _retry(now + rate_limits.retry_delay(refusals + 1), counts=True)
    if refusals >= MAX_TOKEN_REFUSALS:
        return Classification(Disposition.FAILED)
    if not limiter.is_token_refused:
        limiter.paused_for, limiter.paused_until, limiter.token_hash = "checking", now, number.token_hash
    return _retry(now, counts=True)


def _throttled(
    error: GraphThrottled, limiter: NumberLimiter, recipient: RecipientLimiter, now: datetime
) -> Classification:
    kind = (error.meta or {}).get("class")
    if kind == ErrorClass.RATE_PAIR:
        recipient.paid_until = max(recipient.paid_until, rate_limits.paid_until_exhausted(now))
        return _retry(rate_limits.recipient_ready_at(recipient.paid_until))
    seconds = error.retry_after or (1 if kind == ErrorClass.RATE_NUM else 60)
    changed_at = limiter.share_changed_at
    if kind == ErrorClass.RATE_NUM and (changed_at is None or now - changed_at >= SHARE_CHANGES_AFTER):
        limiter.share, limiter.share_changed_at = max(MIN_SHARE, limiter.share * 0.8), now
    limiter.paused_for = "rate"
    pause = min(timedelta(seconds=seconds), rate_limits.MAX_PAUSE)
    limiter.paused_until = max(limiter.paused_until or now, now + pause)
    return _retry(limiter.paused_until)


def _unavailable(error: GraphUnavailable, code: int | None, refusals: int, now: datetime) -> Classification:
    known = meaning(code)
    if known is not None and known.retries is not None and refusals >= known.retries:
        return Classification(Disposition.FAILED)
    return _retry(now + rate_limits.retry_delay(refusals + 1, error.retry_after), counts=True)


def _refused(
    error: GraphError, code: int | None, limiter: NumberLimiter, recipient: RecipientLimiter, rank: int, now: datetime
) -> Classification:
    if (error.meta or {}).get("class") == ErrorClass.STOP_NUM:
        limiter.bulk_stopped_by = code
        return _retry(now) if rank == Priority.BULK.rank else Classification(Disposition.FAILED)
    if code == NOT_ALLOWED:
        other = other_form(recipient)
        if recipient.address is None and other is not None:
            recipient.address = other
            return _retry(now)
        recipient.address = None
    return Classification(Disposition.FAILED)


def other_form(recipient: RecipientLimiter) -> str | None:
    """Return the other form in which Meta may know an Argentine, Mexican or Brazilian number; None for all others."""
    if not recipient.recipient.startswith("+"):
        return None
    others = variants(to_wa_id(recipient.recipient))[1:]
    return from_wa_id(others[0]) if others else None


def count(result: SendResult | GraphError, phone_number_id: str) -> None:
    """Count a result in the metrics: as `accepted` or by the error's code, and Meta's own code of the error."""
    outcome = result.code if isinstance(result, GraphError) else "accepted"
    metrics.sends.labels(outcome).inc()
    metrics.number_sends.labels(phone_number_id, outcome).inc()
    if isinstance(result, GraphError):
        code = (result.meta or {}).get("code")
        metrics.graph_errors.labels("none" if code is None else str(code) if code in CODES else "other").inc()


def status_error(error: GraphError) -> dict[str, object]:
    """Return the `error` that a failed message stores and shows: Meta's `code`, `title` and `details`."""
    meta = error.meta or {}
    return {"code": meta.get("code"), "title": error.message, "details": meta.get("details")}
