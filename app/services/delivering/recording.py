"""Writing down what became of deliveries, and how their endpoints are doing."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from app import metrics
from app.domain.breaker import GIVE_UP_AFTER, Health
from app.domain.endpoints import State
from app.domain.retry_schedule import pause_after
from app.logs import get_logger
from app.services.delivering.health_news import HealthNews
from app.services.delivering.work import STALE, TAKEN_BACK, WITHHELD, Tried
from app.services.endpoint_directory import health_of
from app.store import deliveries, delivery_order, endpoints, parcels
from app.store.deliveries import Claim, Outcome
from app.store.delivery_order import HEAD_ATTEMPTS
from app.subscribers.client import Answer

GONE_FOR_GOOD = 410
NOT_POSTED = {STALE: State.STALE, WITHHELD: State.WITHHELD, TAKEN_BACK: State.WITHHELD}

logger = get_logger(__name__)


def record(session: Session, done: Sequence[Tried], now: datetime, news: HealthNews) -> set[str]:
    """Write what became of these deliveries; return the endpoints of which we now know something new.

    Those that were not tried are given back. Endpoints are locked before deliveries, in the order of their ids, as by
    everyone.
    """
    tried = [each for each in done if not each.is_given_back]
    if len(tried) < len(done):
        deliveries.give_back(session, [each.work.claim for each in done if each.is_given_back], now)
    if not tried:
        return set()
    changed = _note_health(session, tried, now, news)
    rows = [row for each in tried if each.answer is not None for row in _attempts(each, each.answer)]
    outcomes = {id(each): _outcomes(each, now) for each in tried}
    alone = [outcomes[id(each)][0] for each in tried if not each.work.others]
    if alone:
        deliveries.record(session, alone, now)
    for each in tried:
        if each.work.others:
            some = outcomes[id(each)]
            most = max(outcome.attempts for outcome in some)
            together = each.work.endpoint.batch is None or most < HEAD_ATTEMPTS
            parcels.record(session, each.work.claim, some, now, together=together)
    if rows:
        deliveries.add_attempts(session, rows)
    let_go = [
        claim for each in tried if each.work.endpoint.ordered for claim in _let_go(outcomes[id(each)])
    ]  # fmt: skip
    if let_go:
        delivery_order.release(session, let_go, now)
    return changed


def _let_go(outcomes: Sequence[Outcome]) -> list[Claim]:
    """After which deliveries a contact's next one need no longer wait: of several of a contact, the first and last."""
    claims = [
        outcome.claim
        for outcome in outcomes
        if outcome.claim.contact_id is not None
        and (outcome.state != State.PENDING or outcome.attempts >= HEAD_ATTEMPTS)
    ]
    if len(claims) < 2:
        return claims
    ends = {claim.contact_id: claim for claim in claims}, {claim.contact_id: claim for claim in reversed(claims)}
    return list({claim.id: claim for some in ends for claim in some.values()}.values())


def count(tried: Sequence[Tried]) -> None:
    """Count these tries, once they are written."""
    for each in tried:
        if each.answer is not None:
            metrics.deliveries.labels("delivered" if each.answer.is_success else "failed").inc()
        elif each.reason == STALE:
            metrics.deliveries.labels("stale").inc()


def _outcomes(tried: Tried, now: datetime) -> list[Outcome]:
    """What became of each part."""
    reason, answer = tried.reason, tried.answer
    attempts = tried.work.claim.attempts + (0 if answer is None else 1)
    state, due_at = NOT_POSTED.get(reason or "", State.DEAD), None
    if answer is not None:
        reason = _reason(tried)
        state, due_at = _after(tried, answer, attempts, now)
    return [
        Outcome(part.claim, state, due_at, reason, attempts)
        if (why := tried.left_out.get(part.claim.id)) is None
        else Outcome(part.claim, NOT_POSTED.get(why, State.DEAD), None, why, part.claim.attempts)
        for part in tried.work.parts
    ]


def _after(tried: Tried, answer: Answer, attempts: int, now: datetime) -> tuple[State, datetime | None]:
    if answer.is_success:
        return State.DELIVERED, None
    pause = pause_after(attempts, answer.retry_after, random.random)  # noqa: S311
    if pause is None:
        claim = tried.work.claim
        labels = {"endpoint_id": claim.endpoint_id, "event_id": claim.event_id, "request_id": tried.work.request_id}
        logger.warning("a delivery is dead", extra=labels)
        return State.DEAD, None
    return State.PENDING, now + timedelta(seconds=pause)


def _attempts(tried: Tried, answer: Answer) -> list[dict[str, Any]]:
    """A row for each delivery that was posted; what was answered to all of them stands with the first."""
    posted = [part.claim for part in tried.work.parts if part.claim.id not in tried.left_out]
    return [
        {
            "delivery_id": claim.id,
            "number": claim.attempts + 1,
            "started_at": tried.started_at,
            "duration_ms": round(answer.seconds * 1000),
            "status": answer.status,
            "error": answer.error,
            # Any bytes may come; PostgreSQL takes every text but one with NUL.
            "answer": answer.body.decode("utf-8", "replace").replace("\x00", "\ufffd") or None if place == 0 else None,
            "note": tried.note if place == 0 else None,
        }
        for place, claim in enumerate(posted)
    ]


def _note_health(session: Session, tried: Sequence[Tried], now: datetime, news: HealthNews) -> set[str]:
    by_endpoint: dict[str, list[Tried]] = {}
    for each in tried:
        if each.answer is not None:
            by_endpoint.setdefault(each.work.endpoint.id, []).append(each)
    changed = set()
    for endpoint_id in sorted(by_endpoint):
        tries = by_endpoint[endpoint_id]
        if all(_is_success(each) and each.work.endpoint.health == Health() for each in tries):
            continue  # the usual case costs nothing
        _change_health(session, endpoint_id, tries, now, news)
        changed.add(endpoint_id)
    return changed


def _change_health(
    session: Session, endpoint_id: str, tries: Sequence[Tried], now: datetime, news: HealthNews
) -> None:
    row = endpoints.find(session, endpoint_id, lock=True)
    if row is None:
        return
    health = health_of(row)
    for each in tries:
        before = health
        health = Health() if _is_success(each) else health.failed(now, is_probe=each.work.claim.is_probe)
        news.tell(endpoint_id, before, health, _reason(each), now)
    values: dict[str, Any] = {
        "failures": health.failures,
        "opens": health.opens,
        "open_until": health.open_until,
        "failing_since": health.failing_since,
    }
    reason = _why_disable(tries, health, now)
    if reason is not None and row.disabled_at is None:
        values |= {"disabled_at": now, "disabled_reason": reason}
        logger.warning("an endpoint is disabled", extra={"endpoint_id": endpoint_id, "reason": reason})
    endpoints.set_health(session, endpoint_id, **values)


def _why_disable(tries: Sequence[Tried], health: Health, now: datetime) -> str | None:
    if any(each.answer is not None and each.answer.status == GONE_FOR_GOOD for each in tries):
        return "it answered 410 Gone"
    if health.is_hopeless(now):
        return f"nothing but failure for {GIVE_UP_AFTER.days} days"
    return None


def _reason(tried: Tried) -> str | None:
    """Why it was not taken, None if it was."""
    answer = tried.answer
    return None if answer is None or answer.is_success else answer.error or f"answered {answer.status}"


def _is_success(tried: Tried) -> bool:
    return tried.answer is not None and tried.answer.is_success
