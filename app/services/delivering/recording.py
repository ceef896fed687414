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
from app.services.delivering.work import STALE, WITHHELD, Tried
from app.services.endpoint_directory import health_of
from app.store import deliveries, endpoints
from app.store.deliveries import HEAD_ATTEMPTS, Outcome

GONE_FOR_GOOD = 410
NOT_POSTED = {STALE: State.STALE, WITHHELD: State.WITHHELD}

logger = get_logger(__name__)


def record(session: Session, done: Sequence[Tried], now: datetime) -> set[str]:
    """Write what became of these deliveries; return the endpoints of which we now know something new.

    Those that were not tried are given back. Endpoints are locked before deliveries, in the order of their ids, as by
    everyone.
    """
    tried = [each for each in done if not each.is_given_back]
    if len(tried) < len(done):
        deliveries.give_back(session, [each.work.claim for each in done if each.is_given_back], now)
    if not tried:
        return set()
    changed = _note_health(session, tried, now)
    outcomes = [_outcome(each, now) for each in tried]
    rows = [_attempt(each, each.answer) for each in tried if each.answer is not None]
    deliveries.record(session, outcomes, rows, now)
    let_go = [
        outcome.claim
        for each, outcome in zip(tried, outcomes, strict=True)
        if each.work.endpoint.ordered
        and outcome.claim.contact_id is not None
        and (outcome.state != State.PENDING or outcome.attempts >= HEAD_ATTEMPTS)
    ]
    if let_go:
        deliveries.release(session, let_go, now)
    return changed


def count(tried: Sequence[Tried]) -> None:
    """Count these tries, once they are written."""
    for each in tried:
        if each.answer is not None:
            metrics.deliveries.labels("delivered" if each.answer.is_success else "failed").inc()
        elif each.reason == STALE:
            metrics.deliveries.labels("stale").inc()


def _outcome(tried: Tried, now: datetime) -> Outcome:
    claim, answer = tried.work.claim, tried.answer
    if answer is None:
        state = NOT_POSTED.get(tried.reason or "", State.DEAD)
        return Outcome(claim, state, None, tried.reason, claim.attempts)
    attempts = claim.attempts + 1
    if answer.is_success:
        return Outcome(claim, State.DELIVERED, None, None, attempts)
    reason = answer.error or f"answered {answer.status}"
    pause = pause_after(attempts, answer.retry_after, random.random)  # noqa: S311
    if pause is None:
        logger.warning("a delivery is dead", extra={"endpoint_id": claim.endpoint_id, "event_id": claim.event_id})
        return Outcome(claim, State.DEAD, None, reason, attempts)
    return Outcome(claim, State.PENDING, now + timedelta(seconds=pause), reason, attempts)


def _attempt(tried: Tried, answer: Any) -> dict[str, Any]:
    claim = tried.work.claim
    return {
        "delivery_id": claim.id,
        "number": claim.attempts + 1,
        "started_at": tried.started_at,
        "duration_ms": round(answer.seconds * 1000),
        "status": answer.status,
        "error": answer.error,
        # Any bytes may come; PostgreSQL takes every text but one with NUL.
        "answer": answer.body.decode("utf-8", "replace").replace("\x00", "\ufffd") or None,
    }


def _note_health(session: Session, tried: Sequence[Tried], now: datetime) -> set[str]:
    by_endpoint: dict[str, list[Tried]] = {}
    for each in tried:
        if each.answer is not None:
            by_endpoint.setdefault(each.work.endpoint.id, []).append(each)
    changed = set()
    for endpoint_id in sorted(by_endpoint):
        tries = by_endpoint[endpoint_id]
        if all(_is_success(each) and each.work.endpoint.health == Health() for each in tries):
            continue  # the usual case costs nothing
        _change_health(session, endpoint_id, tries, now)
        changed.add(endpoint_id)
    return changed


def _change_health(session: Session, endpoint_id: str, tries: Sequence[Tried], now: datetime) -> None:
    row = endpoints.find(session, endpoint_id, lock=True)
    if row is None:
        return
    before = health = health_of(row)
    for each in tries:
        health = Health() if _is_success(each) else health.failed(now, is_probe=each.work.claim.is_probe)
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
    elif health.opens and not before.opens:
        logger.warning("an endpoint is failing", extra={"endpoint_id": endpoint_id})
    elif before.opens and not health.opens:
        logger.info("an endpoint is well again", extra={"endpoint_id": endpoint_id})
    endpoints.set_values(session, endpoint_id, **values)


def _why_disable(tries: Sequence[Tried], health: Health, now: datetime) -> str | None:
    if any(each.answer is not None and each.answer.status == GONE_FOR_GOOD for each in tries):
        return "it answered 410 Gone"
    if health.is_hopeless(now):
        return f"nothing but failure for {GIVE_UP_AFTER.days} days"
    return None


def _is_success(tried: Tried) -> bool:
    return tried.answer is not None and tried.answer.is_success
