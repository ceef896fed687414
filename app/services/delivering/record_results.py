"""Writing down what became of deliveries, and how their endpoints are doing."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from app import metrics
from app.domain.breaker import GIVE_UP_AFTER, Health
from app.domain.endpoints import State
from app.domain.retry_schedule import pause_after
from app.domain.verdicts import BUSY, GONE_FOR_GOOD, Verdict
from app.logs import get_logger
from app.services.delivering.health_log import HealthNews
from app.services.delivering.recent_answers import Pulse
from app.services.delivering.types import STALE, TAKEN_BACK, WITHHELD, Tried
from app.services.delivering.unblock import Waking
from app.services.registries.endpoints import health_of
from app.store import deliveries, delivery_batches, delivery_order, endpoints
from app.store.deliveries import Claim, Outcome
from app.subscribers.client import Answer

NOT_POSTED = {STALE: State.STALE, WITHHELD: State.WITHHELD, TAKEN_BACK: State.WITHHELD}

REFUSED_TRIES, FAILED_TRIES = 2, 4
"""Tries after which a contact's later events no longer wait for one: that the app did not take; that failed because of
the app, as far as can be told (some 50 seconds)."""

PROBES_IN_AGE = 20
"""What was tried as a probe is the next probe, where nothing else is due: when the breaker's pause is over, or a
twentieth of the time since its first try. So an app that was away is found again within 5 % of that, and asked some
150 times in three days."""

MIND_CHANGES_EVERY = timedelta(minutes=1)

logger = get_logger(__name__)


class Recorder:
    """Writes what became of deliveries, and what that says of their endpoints. For one lane of a worker."""

    def __init__(self, waking: Waking) -> None:
        self._waking = waking
        self._pulse = Pulse()
        self._news = HealthNews()
        self._minds_changed_at: dict[str, datetime] = {}

    def __call__(self, session: Session, done: Sequence[Tried], now: datetime) -> set[str]:
        """Write what became of these deliveries; return the endpoints of which we now know something new.

        Those that were not tried are given back. Endpoints are locked before deliveries, in the order of their ids, as
        by everyone.
        """
        tried = [each for each in done if not each.is_given_back]
        if len(tried) < len(done):
            deliveries.give_back(session, [each.work.claim for each in done if each.is_given_back], now)
        if not tried:
            return set()
        for each in tried:
            self._pulse.note(each, now)
        verdicts = {id(each): self._pulse.judge(each, now) for each in tried if each.answer is not None}
        changed, probes = self._note_health(session, tried, verdicts, now)
        self._note_minds(session, tried, verdicts, now)
        rows = [row for each in tried if each.answer is not None for row in _attempts(each, each.answer)]
        outcomes = _all_outcomes(session, tried, verdicts, probes, now)
        alone = [outcomes[id(each)][0] for each in tried if not each.work.others]
        if alone:
            deliveries.record(session, alone, now)
        for each in tried:
            if each.work.others:
                some = outcomes[id(each)]
                delivery_batches.record(session, each.work.claim, some, now, together=_stays_together(each, some))
        if rows:
            deliveries.add_attempts(session, rows)
        let_go = [claim for each in tried if each.work.endpoint.ordered for claim in _let_go(outcomes[id(each)])]
        if let_go:
            delivery_order.release(session, let_go, now)
        return changed

    def _note_health(
        self, session: Session, tried: Sequence[Tried], verdicts: Mapping[int, Verdict], now: datetime
    ) -> tuple[set[str], dict[int, datetime]]:
        """Return the endpoints that changed, and of tries that opened a breaker when its pause is over."""
        by_endpoint: dict[str, list[Tried]] = {}
        for each in tried:
            if each.answer is not None:
                by_endpoint.setdefault(each.work.endpoint.id, []).append(each)
        changed: set[str] = set()
        probes: dict[int, datetime] = {}
        for endpoint_id in sorted(by_endpoint):
            tries = by_endpoint[endpoint_id]
            if all(_is_success(each) and each.work.endpoint.health == Health() for each in tries):
                continue  # the usual case costs nothing
            probes |= self._change_health(session, endpoint_id, tries, verdicts, now)
            changed.add(endpoint_id)
        return changed, probes

    def _change_health(
        self, session: Session, endpoint_id: str, tries: Sequence[Tried], verdicts: Mapping[int, Verdict], now: datetime
    ) -> dict[int, datetime]:
        row = endpoints.find(session, endpoint_id, lock=True)
        probes: dict[int, datetime] = {}
        if row is None:
            return probes
        health = health_of(row)
        for each in tries:
            was, verdict = health, verdicts[id(each)]
            health = health.after(verdict, now, is_probe=each.work.claim.is_probe, wish=_wish(each))
            self._news.tell(endpoint_id, was, health, _reason(each), now)
            if was.silences and not health.silences:
                self._waking.ask(endpoint_id, refused=False)
            if health.open_until is not None and health.opens > was.opens and _wish(each) is None:
                probes[id(each)] = health.open_until
        values: dict[str, Any] = {
            "failures": health.failures,
            "silences": health.silences,
            "opens": health.opens,
            "open_until": health.open_until,
            "failing_since": health.failing_since,
        }
        why = _why_disable(tries, health, now)
        if why is not None and row.disabled_at is None:
            values |= {"disabled_at": now, "disabled_reason": why}
            logger.warning("an endpoint is disabled", extra={"endpoint_id": endpoint_id, "reason": why})
        endpoints.set_health(session, endpoint_id, **values)
        return probes

    def _note_minds(
        self, session: Session, tried: Sequence[Tried], verdicts: Mapping[int, Verdict], now: datetime
    ) -> None:
        """An app that takes what it did not take before may take the rest of that, too."""
        again = [each.work.claim.id for each in tried if each.work.claim.attempts and _is_success(each)]
        for endpoint_id in deliveries.refused(session, again) if again else ():
            if now - self._minds_changed_at.get(endpoint_id, now - MIND_CHANGES_EVERY) >= MIND_CHANGES_EVERY:
                self._minds_changed_at[endpoint_id] = now
                self._waking.ask(endpoint_id, refused=True)


def _stays_together(tried: Tried, outcomes: Sequence[Outcome]) -> bool:
    """Whether what was posted at once is to be tried at once again. A batch goes apart, so that one event that the app
    cannot take does not bury the rest."""
    most = max(outcome.attempts for outcome in outcomes)
    is_refused = any(outcome.refused for outcome in outcomes)
    return tried.work.endpoint.batch is None or most < (REFUSED_TRIES if is_refused else FAILED_TRIES)


def _let_go(outcomes: Sequence[Outcome]) -> list[Claim]:
    """After which deliveries a contact's next one need no longer wait: of several of a contact, the first and last."""
    claims = [
        outcome.claim
        for outcome in outcomes
        if outcome.claim.contact_id is not None and (outcome.state != State.PENDING or not outcome.blocks)
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


def _all_outcomes(
    session: Session, tried: Sequence[Tried], verdicts: Mapping[int, Verdict], probes: Mapping[int, datetime],
    now: datetime,
) -> dict[int, list[Outcome]]:
    again = [
        each.work.claim.id
        for each in tried
        if each.work.claim.attempts and verdicts.get(id(each), Verdict.TAKEN) is not Verdict.TAKEN
    ]
    since = deliveries.first_tries(session, again) if again else {}
    outcomes = {}
    for each in tried:
        first_tried_at = since.get(each.work.claim.id, each.started_at)
        outcomes[id(each)] = _outcomes(each, verdicts.get(id(each)), first_tried_at, probes.get(id(each)), now)
    return outcomes


def _outcomes(
    tried: Tried, verdict: Verdict | None, first_tried_at: datetime, probe_at: datetime | None, now: datetime
) -> list[Outcome]:
    """What became of each part."""
    reason, answer = tried.reason, tried.answer
    attempts = tried.work.claim.attempts + (0 if answer is None else 1)
    state, due_at = NOT_POSTED.get(reason or "", State.DEAD), None
    if answer is not None:
        reason = _reason(tried)
        age = now - first_tried_at
        state, due_at = _after(tried, answer, age, now)
        if due_at is not None and probe_at is not None:
            due_at = min(due_at, max(probe_at, now + age / PROBES_IN_AGE))
    is_refused = verdict is Verdict.REFUSED
    blocks = attempts < (REFUSED_TRIES if is_refused else FAILED_TRIES)
    return [
        Outcome(part.claim, state, due_at, reason, attempts, blocks, is_refused)
        if (why := tried.left_out.get(part.claim.id)) is None
        else Outcome(part.claim, NOT_POSTED.get(why, State.DEAD), None, why, part.claim.attempts)
        for part in tried.work.parts
    ]


def _reason(tried: Tried) -> str | None:
    """Why it was not taken, None if it was."""
    answer = tried.answer
    return None if answer is None or answer.is_success else answer.error or f"answered {answer.status}"


def _wish(tried: Tried) -> int | None:
    """For how long the app asked to be left alone, if it did."""
    answer = tried.answer
    return answer.retry_after if answer is not None and answer.status == BUSY else None


def _after(tried: Tried, answer: Answer, age: timedelta, now: datetime) -> tuple[State, datetime | None]:
    if answer.is_success:
        return State.DELIVERED, None
    pause = pause_after(age.total_seconds(), answer.retry_after, random.random)  # noqa: S311
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


def _why_disable(tries: Sequence[Tried], health: Health, now: datetime) -> str | None:
    if any(each.answer is not None and each.answer.status == GONE_FOR_GOOD for each in tries):
        return "it answered 410 Gone"
    if health.is_hopeless(now):
        return f"nothing but failure for {GIVE_UP_AFTER.days} days"
    return None


def _is_success(tried: Tried) -> bool:
    return tried.answer is not None and tried.answer.is_success
