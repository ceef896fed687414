"""What came back: each try's outcome recorded, and told to the user's app."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app import metrics
from app.domain import opt_outs
from app.domain.rate_limits import Pace
from app.errors import GraphError
from app.graph.answers import SendResult
from app.logs import get_logger
from app.services.contacts import events
from app.services.sending import outcomes
from app.services.sending.dequeue import Departure
from app.services.sending.outcomes import Fate, Verdict
from app.services.sending.status_events import tell
from app.store import attempts, queue, rate_limits, reports
from app.store.rate_limits import HeldPaces

logger = get_logger(__name__)

News = dict[str, dict[str, Any] | None]
"""Messages of which there is something to tell, with Meta's error, if any."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A departure, and Graph's answer."""

    departure: Departure
    answer: SendResult | GraphError


def record(session: Session, arrivals: Sequence[Arrival], held: HeldPaces, now: datetime) -> None:
    """Record what came back, in a transaction that has the turn of who appends events."""
    by_number: dict[str, list[Arrival]] = {}
    for arrival in arrivals:
        by_number.setdefault(arrival.departure.number.phone_number_id, []).append(arrival)
    news: News = {}
    accepted: list[tuple[str, int, str]] = []
    for number_id, theirs in sorted(by_number.items()):
        for arrival in theirs:
            if isinstance(arrival.answer, SendResult):
                gone = arrival.departure
                accepted.append((gone.message_id, gone.attempt, arrival.answer.wamid))
                news[gone.message_id] = None
        news |= _judge(session, number_id, theirs, held.of(number_id), now)
    if accepted:
        attempts.accept(session, accepted, now)
        told_of = reports.told_of(session, [wamid for _, _, wamid in accepted])
        if told_of:
            reports.take_over(session, told_of, now)
    if news:
        tell(session, news, now)


def _judge(session: Session, number_id: str, theirs: Sequence[Arrival], pace: Pace, now: datetime) -> News:
    """Note what the answers say of the number and its recipients, and what became of each that Meta did not take."""
    # What went well says nothing new about its recipient.
    complaints = {each.departure.queued["recipient"] for each in theirs if isinstance(each.answer, GraphError)}
    pairs = rate_limits.of_pairs(session, number_id, complaints, now)
    news: News = {}
    for arrival in theirs:
        gone, row = arrival.departure, arrival.departure.queued
        verdict = outcomes.judge(
            arrival.answer, number=gone.number, pace=pace, pair=pairs.get(row["recipient"]), lane=row["lane"],
            refusals=row["refusals"], now=now,
        )  # fmt: skip
        if verdict.fate is not Fate.UNTRIED:
            metrics.sends.labels(outcomes.label(arrival.answer)).inc()
        if isinstance(arrival.answer, GraphError):
            news |= _not_accepted(session, gone, verdict, arrival.answer, now)
    if pairs:
        rate_limits.save_pairs(session, number_id, list(pairs.values()))
    return news


def _not_accepted(session: Session, gone: Departure, verdict: Verdict, error: GraphError, now: datetime) -> News:
    if verdict.fate is Fate.UNTRIED:
        attempts.take_back(session, gone.message_id, gone.attempt)
        _queue_again(session, gone, gone.queued, now)
        return {}
    state = "unknown" if verdict.fate is Fate.UNKNOWN else "refused"
    if not attempts.end(session, gone.message_id, gone.attempt, state=state, now=now, error=error.meta):
        return {}
    if verdict.fate is Fate.UNKNOWN:
        attempts.set_status(session, gone.message_id, "unknown", ("sending",), updated_at=now)
        logger.warning("no answer from Meta; the send is unknown", extra=gone.labels)
        return {}
    if verdict.fate is Fate.FAILED:
        why = outcomes.reason(error)
        moved = attempts.set_status(session, gone.message_id, "failed", ("sending",), updated_at=now, error=why)
        if moved and opt_outs.is_refusal(error.meta):
            events.refused(session, gone.message_id, now)
        return {gone.message_id: why} if moved else {}
    again = gone.queued | {
        "attempt": gone.attempt + 1,
        "refusals": gone.queued["refusals"] + verdict.counts,
        "due_at": verdict.due_at or now,
    }
    _queue_again(session, gone, again, now)
    return {}


def _queue_again(session: Session, gone: Departure, row: dict[str, Any], now: datetime) -> None:
    if attempts.set_status(session, gone.message_id, "queued", ("sending",), updated_at=now):
        queue.add(session, [row])
