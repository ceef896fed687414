"""Record the results of delivery attempts, and the health of their endpoints."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from app.domain.breaker import GIVE_UP_AFTER, Health
from app.domain.delivery_dispositions import BUSY, GONE_FOR_GOOD, DeliveryDisposition
from app.domain.endpoints import State
from app.domain.retry_schedule import pause_after
from app.logs import get_logger
from app.services.delivering.health_log import HealthLog
from app.services.delivering.recent_successes import RecentSuccesses
from app.services.delivering.types import REVOKED, STALE, WITHHELD, DeliveryResult
from app.services.delivering.unblock import Unblocker
from app.services.registries import health_of
from app.store import deliveries, delivery_batches, delivery_order, endpoints
from app.store.deliveries import DeliveryClaim, DeliveryUpdate, NewAttempt
from app.subscribers.client import EndpointResponse

STATE_BY_REASON = {STALE: State.STALE, WITHHELD: State.WITHHELD, REVOKED: State.WITHHELD}

REFUSED_TRIES, FAILED_TRIES = 2, 4
"""Attempts after which a delivery no longer blocks later ones of its contact: two if the app refused its event, four
(some 50 seconds) if the app itself seems to be the cause of the failure."""

PROBES_IN_AGE = 20
"""A delivery whose attempt opened the breaker is due again when the breaker's pause is over, or later: a twentieth of
the time since its first attempt from now. It is the next probe if no other delivery is due. So the recovery of an app
is noticed within 5 % of that time, with some 150 probes in three days."""

RETRY_REFUSED_EVERY = timedelta(minutes=1)

logger = get_logger(__name__)


class ResultRecorder:
    """Records results within the caller's transaction. Used by the delivery loop only.

    Endpoints whose app answers again, or accepts what it refused, are reported to `unblocker` for retries.
    """

    def __init__(self, unblocker: Unblocker) -> None:
        self._unblocker = unblocker
        self._successes = RecentSuccesses()
        self._health_log = HealthLog()
        self._refused_retried_at: dict[str, datetime] = {}

    def __call__(self, session: Session, results: Sequence[DeliveryResult], now: datetime) -> set[str]:
        """Record results and return the ids of endpoints whose health changed.

        Claims of batches that were not attempted are released. Endpoints are locked before deliveries, in the order of
        their ids, as in all other transactions: another order could deadlock.
        """
        attempted = [each for each in results if each.was_attempted]
        if len(attempted) < len(results):
            deliveries.release(session, [each.batch.claim for each in results if not each.was_attempted], now)
        if not attempted:
            return set()
        for each in attempted:
            self._successes.note(each, now)
        dispositions = {
            id(each): self._successes.classify(each, now) for each in attempted if each.response is not None
        }
        changed, probes = self._record_health(session, attempted, dispositions, now)
        self._retry_refused(session, attempted, now)
        updates = _all_updates(session, attempted, dispositions, probes, now)
        _record_deliveries(session, attempted, updates, now)
        return changed

    def _record_health(
        self,
        session: Session,
        results: Sequence[DeliveryResult],
        dispositions: Mapping[int, DeliveryDisposition],
        now: datetime,
    ) -> tuple[set[str], dict[int, datetime]]:
        """Return the endpoints that changed, and for attempts that opened a breaker when its pause is over."""
        by_endpoint: dict[str, list[DeliveryResult]] = {}
        for each in results:
            if each.response is not None:
                by_endpoint.setdefault(each.batch.endpoint.id, []).append(each)
        changed: set[str] = set()
        probes: dict[int, datetime] = {}
        for endpoint_id in sorted(by_endpoint):
            its_results = by_endpoint[endpoint_id]
            if all(each.is_success and each.batch.endpoint.health == Health() for each in its_results):
                continue  # a healthy endpoint costs no query
            probes |= self._change_health(session, endpoint_id, its_results, dispositions, now)
            changed.add(endpoint_id)
        return changed, probes

    def _change_health(
        self,
        session: Session,
        endpoint_id: str,
        results: Sequence[DeliveryResult],
        dispositions: Mapping[int, DeliveryDisposition],
        now: datetime,
    ) -> dict[int, datetime]:
        row = endpoints.find(session, endpoint_id, lock=True)
        probes: dict[int, datetime] = {}
        if row is None:
            return probes
        health = health_of(row)
        for each in results:
            before, requested_pause = health, _requested_pause(each)
            health = health.after(
                dispositions[id(each)], now, is_probe=each.batch.claim.is_probe, requested_pause=requested_pause
            )
            self._health_log.log_change(endpoint_id, before, health, _failure(each), now)
            if before.silences and not health.silences:
                self._unblocker.request(endpoint_id, refused=False)
            if health.open_until is not None and health.opens > before.opens and requested_pause is None:
                probes[id(each)] = health.open_until
        values: dict[str, Any] = {
            "failures": health.failures,
            "silences": health.silences,
            "opens": health.opens,
            "open_until": health.open_until,
            "failing_since": health.failing_since,
        }
        reason = _reason_to_disable(results, health, now)
        if reason is not None and row.disabled_at is None:
            values |= {"disabled_at": now, "disabled_reason": reason}
            logger.warning("an endpoint is disabled", extra={"endpoint_id": endpoint_id, "reason": reason})
        endpoints.set_health(session, endpoint_id, **values)
        return probes

    def _retry_refused(self, session: Session, results: Sequence[DeliveryResult], now: datetime) -> None:
        """Request a retry of refused deliveries if an app accepts one that it refused before: it may now accept all."""
        retried = [each.batch.claim.id for each in results if each.batch.claim.attempts and each.is_success]
        for endpoint_id in deliveries.endpoints_that_refused(session, retried) if retried else ():
            if now - self._refused_retried_at.get(endpoint_id, now - RETRY_REFUSED_EVERY) >= RETRY_REFUSED_EVERY:
                self._refused_retried_at[endpoint_id] = now
                self._unblocker.request(endpoint_id, refused=True)


def _record_deliveries(
    session: Session, results: Sequence[DeliveryResult], updates: Mapping[int, Sequence[DeliveryUpdate]], now: datetime
) -> None:
    single = [updates[id(each)][0] for each in results if len(each.batch.members) == 1]
    if single:
        deliveries.record(session, single, now)
    for each in results:
        if len(each.batch.members) > 1:
            some = updates[id(each)]
            delivery_batches.record(session, each.batch.claim, some, now, together=_stays_together(each, some))
    rows = [row for each in results if each.response is not None for row in _attempt_rows(each, each.response)]
    if rows:
        deliveries.add_attempts(session, rows)
    unblocking = [
        claim for each in results if each.batch.endpoint.ordered for claim in _unblocking_claims(updates[id(each)])
    ]
    if unblocking:
        delivery_order.unblock_next(session, unblocking, now)


def _stays_together(result: DeliveryResult, updates: Sequence[DeliveryUpdate]) -> bool:
    """Whether a batch is retried as a batch.

    After some attempts a batch of `batch` events is split, so that one event which the app cannot process does not
    make the others dead.
    """
    attempts = max(each.attempts for each in updates)
    is_refused = any(each.refused for each in updates)
    return result.batch.endpoint.batch is None or attempts < (REFUSED_TRIES if is_refused else FAILED_TRIES)


def _unblocking_claims(updates: Sequence[DeliveryUpdate]) -> list[DeliveryClaim]:
    """Return claims that block their contact's next delivery no longer: for each contact the first and the last."""
    claims = [
        each.claim
        for each in updates
        if each.claim.contact_id is not None and (each.state != State.PENDING or not each.blocks)
    ]
    if len(claims) < 2:
        return claims
    ends = {claim.contact_id: claim for claim in claims}, {claim.contact_id: claim for claim in reversed(claims)}
    return list({claim.id: claim for some in ends for claim in some.values()}.values())


def _all_updates(
    session: Session, results: Sequence[DeliveryResult], dispositions: Mapping[int, DeliveryDisposition],
    probes: Mapping[int, datetime], now: datetime,
) -> dict[int, list[DeliveryUpdate]]:  # fmt: skip
    accepted = DeliveryDisposition.ACCEPTED
    failed_again = [
        each.batch.claim.id
        for each in results
        if each.batch.claim.attempts and dispositions.get(id(each), accepted) is not accepted
    ]
    first_attempts = deliveries.first_attempts(session, failed_again) if failed_again else {}
    updates = {}
    for each in results:
        first_at = first_attempts.get(each.batch.claim.id, each.started_at)
        is_refused = dispositions.get(id(each)) is DeliveryDisposition.REFUSED
        updates[id(each)] = _updates(each, first_at, probes.get(id(each)), now, is_refused=is_refused)
    return updates


def _updates(
    result: DeliveryResult, first_at: datetime, probe_at: datetime | None, now: datetime, *, is_refused: bool
) -> list[DeliveryUpdate]:
    """Return the new values of each member of the batch."""
    reason, response = result.reason, result.response
    attempts = result.batch.claim.attempts + (0 if response is None else 1)
    state, due_at = STATE_BY_REASON.get(reason or "", State.DEAD), None
    if response is not None:
        reason = _failure(result)
        age = now - first_at
        state, due_at = _next_state(result, response, age, now)
        if due_at is not None and probe_at is not None:
            due_at = min(due_at, max(probe_at, now + age / PROBES_IN_AGE))
    blocks = attempts < (REFUSED_TRIES if is_refused else FAILED_TRIES)
    return [
        DeliveryUpdate(member.claim, state, due_at, reason, attempts, blocks, is_refused)
        if (skipped := result.skipped.get(member.claim.id)) is None
        else DeliveryUpdate(
            member.claim, STATE_BY_REASON.get(skipped, State.DEAD), None, skipped, member.claim.attempts
        )
        for member in result.batch.members
    ]


def _failure(result: DeliveryResult) -> str | None:
    """Return why the app did not accept the event, None if it did."""
    response = result.response
    return None if response is None or response.is_success else response.error or f"answered {response.status}"


def _requested_pause(result: DeliveryResult) -> int | None:
    """Return the `Retry-After` in seconds of a response 429, None for any other response."""
    response = result.response
    return response.retry_after if response is not None and response.status == BUSY else None


def _next_state(
    result: DeliveryResult, response: EndpointResponse, age: timedelta, now: datetime
) -> tuple[State, datetime | None]:
    if response.is_success:
        return State.DELIVERED, None
    pause = pause_after(age.total_seconds(), response.retry_after, random.random)  # noqa: S311
    if pause is None:
        claim = result.batch.claim
        labels = {"endpoint_id": claim.endpoint_id, "event_id": claim.event_id, "request_id": result.batch.request_id}
        logger.warning("a delivery is dead", extra=labels)
        return State.DEAD, None
    return State.PENDING, now + timedelta(seconds=pause)


def _attempt_rows(result: DeliveryResult, response: EndpointResponse) -> list[NewAttempt]:
    """Return a row for each delivery that was posted. The body of the response is stored with the first one only."""
    body = response.body.decode("utf-8", "replace").replace("\x00", "\ufffd")  # PostgreSQL stores no NUL in a text
    posted = [member.claim for member in result.batch.members if member.claim.id not in result.skipped]
    return [
        NewAttempt(
            delivery_id=claim.id,
            number=claim.attempts + 1,
            started_at=result.started_at,
            duration_ms=round(response.seconds * 1000),
            status=response.status,
            error=response.error,
            answer=body or None if place == 0 else None,
            note=result.note if place == 0 else None,
        )
        for place, claim in enumerate(posted)
    ]


def _reason_to_disable(results: Sequence[DeliveryResult], health: Health, now: datetime) -> str | None:
    if any(each.response is not None and each.response.status == GONE_FOR_GOOD for each in results):
        return "it answered 410 Gone"
    if health.is_hopeless(now):
        return f"nothing but failure for {GIVE_UP_AFTER.days} days"
    return None
