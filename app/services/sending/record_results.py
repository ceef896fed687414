"""Record the outcomes of queued sends and append an event for each message whose status changed for good."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.domain import opt_outs
from app.domain.rate_limits import NumberLimiter
from app.errors import GraphError, GraphNotTried
from app.graph.answers import SendResult
from app.logs import get_logger
from app.services.contacts import record_refusal
from app.services.sending import message_media, outcomes
from app.services.sending.dequeue import DueSend
from app.services.sending.outcomes import Classification, Disposition
from app.services.sending.status_events import StatusErrors, append_status_events
from app.store import attempts, limiters, queue, reports
from app.store.limiters import LockedLimiters

logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SendOutcome:
    """A dequeued send, and Graph's result of its call."""

    send: DueSend
    result: SendResult | GraphError


def record(session: Session, results: Sequence[SendOutcome], locked: LockedLimiters, now: datetime) -> None:
    """Write the outcomes to attempts, messages and limiters. The session must hold the lock of `events.take_turn`."""
    by_number: dict[str, list[SendOutcome]] = {}
    for outcome in results:
        by_number.setdefault(outcome.send.number.phone_number_id, []).append(outcome)
    changed: StatusErrors = {}
    accepted: list[tuple[str, int, str]] = []
    for number_id, theirs in sorted(by_number.items()):
        for outcome in theirs:
            if isinstance(outcome.result, SendResult):
                accepted.append((outcome.send.message_id, outcome.send.attempt, outcome.result.wamid))
                changed[outcome.send.message_id] = None
        changed |= _record_of_number(session, number_id, theirs, locked.of(number_id), now)
    if accepted:
        attempts.accept(session, accepted, now)
        known = reports.known_to_meta(session, [wamid for _, _, wamid in accepted])
        if known:
            reports.attach_earlier_news(session, known, now)
    if changed:
        append_status_events(session, changed, now)


def count(results: Sequence[SendOutcome]) -> None:
    """Count outcomes, after their transaction was committed. Never raises: the caller would record them anew."""
    try:
        for each in results:
            if not isinstance(each.result, GraphNotTried):
                outcomes.count(each.result, each.send.number.phone_number_id)
    except Exception:
        logger.exception("answers are recorded, and could not be counted", extra={"count": len(results)})


def _record_of_number(
    session: Session, number_id: str, theirs: Sequence[SendOutcome], limiter: NumberLimiter, now: datetime
) -> StatusErrors:
    """Update the number's limiters, and write the outcome of each message that Meta did not accept."""
    # An accepted message changes nothing about the limit of its recipient, so only the others are read.
    refused = {each.send.queued["recipient"] for each in theirs if isinstance(each.result, GraphError)}
    recipients = limiters.of_recipients(session, number_id, refused, now)
    changed: StatusErrors = {}
    for outcome in theirs:
        send, row = outcome.send, outcome.send.queued
        found = outcomes.classify(
            outcome.result, number=send.number, limiter=limiter, recipient=recipients.get(row["recipient"]),
            rank=row["rank"], refusals=row["refusals"], now=now,
        )  # fmt: skip
        if isinstance(outcome.result, GraphError):
            changed |= _not_accepted(session, send, found, outcome.result, now)
    if recipients:
        limiters.save_recipients(session, number_id, list(recipients.values()))
    return changed


def _not_accepted(
    session: Session, send: DueSend, found: Classification, error: GraphError, now: datetime
) -> StatusErrors:
    if found.disposition is Disposition.NOT_TRIED:
        attempts.delete_not_tried(session, send.message_id, send.attempt)
        _queue_again(session, send, send.queued, now)
        return {}
    state = "unknown" if found.disposition is Disposition.UNKNOWN else "refused"
    if not attempts.finish(session, send.message_id, send.attempt, state=state, now=now, error=error.meta):
        return {}
    if found.disposition is Disposition.UNKNOWN:
        attempts.set_status(session, send.message_id, "unknown", ("sending",), updated_at=now)
        logger.warning("no answer from Meta; the send is unknown", extra=send.labels)
        return {}
    if found.disposition is Disposition.FAILED:
        why = outcomes.status_error(error)
        message_media.forget_uploads(session, send.queued.get("media"))
        moved = attempts.set_status(session, send.message_id, "failed", ("sending",), updated_at=now, error=why)
        if moved and opt_outs.is_refusal(error.meta):
            record_refusal(session, send.message_id, now)
        return {send.message_id: why} if moved else {}
    again = send.queued | {
        "attempt": send.attempt + 1,
        "refusals": send.queued["refusals"] + found.counts,
        "due_at": found.due_at or now,
    }
    _queue_again(session, send, again, now)
    return {}


def _queue_again(session: Session, send: DueSend, row: dict[str, Any], now: datetime) -> None:
    if attempts.set_status(session, send.message_id, "queued", ("sending",), updated_at=now):
        queue.add(session, [row])
