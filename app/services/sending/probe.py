"""Probe Meta about numbers whose sends are stopped, with a `GET` of the number, which may be repeated safely.

A number is stopped after two ambiguous results in a row (the breaker opens), and after Meta refused its token. Queued
messages are never used as probes: after an answered probe one message is sent (half-open), and the others follow once
Meta has accepted it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from app.db.database import Database
from app.domain import rate_limits
from app.domain.holds import HeldFor
from app.domain.numbers import BusinessNumber
from app.domain.rate_limits import NumberLimiter
from app.errors import GraphError, GraphUnauthorised
from app.graph.answers import is_ambiguous
from app.graph.client import GraphClient
from app.graph.codes import ErrorClass
from app.logs import get_logger
from app.services.registries import NumberDirectory
from app.services.sending.holds import hold
from app.store import events, limiters, queue

TIMEOUT_SECONDS = 10.0
RETRY_AFTER = timedelta(seconds=15)
"""How soon Meta is probed again after a probe without an answer."""

AUTH_INTERVAL = timedelta(minutes=1)
STALE_AFTER = timedelta(minutes=15)
"""A message that waited so long for a new token is held for a person, since it may no longer make sense."""

BATCH_SIZE = 100

logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """Whether Meta answered a probe, and whether it refused the token."""

    is_answered: bool
    is_token_refused: bool = False


class ProbeNumbers:
    """Probes numbers whose probe is due. A worker runs it every second, and a synchronous send before it gives up."""

    def __init__(
        self, database: Database, directory: NumberDirectory, graph: GraphClient, now: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._directory = directory
        self._graph = graph
        self._now = now

    def __call__(self) -> bool:
        """Probe each number that is due; return False, since no more work is left. Raises `Unavailable`."""
        if limiters.any_to_probe(self._database, self._now()):
            for number in list(self._directory.current.numbers.values()):
                self.probe(number)
        return False

    def probe(self, number: BusinessNumber) -> bool:
        """Probe a number if that is due; return whether it may send now. Raises `Unavailable`."""
        with self._database.write() as session:
            limiter = limiters.lock(session, number.phone_number_id, self._now())
            is_due = _is_due(limiter, self._now())
            if is_due:
                _defer(limiter, self._now())  # so that no other process probes meanwhile
                limiters.save(session, limiter)
        if is_due:
            result = self._get(number)
            with self._database.write() as session:
                events.take_turn(session)
                limiter = limiters.lock(session, number.phone_number_id, self._now())
                _record(session, number, limiter, result, self._now())
                limiters.save(session, limiter)
        return limiter.probe_at is None and limiter.paused_for is None

    def _get(self, number: BusinessNumber) -> ProbeResult:
        try:
            self._graph.request(
                "GET", number.phone_number_id, token=number.access_token, params={"fields": "id"},
                timeout_seconds=TIMEOUT_SECONDS,
            )  # fmt: skip
        except GraphError as error:
            is_auth = isinstance(error, GraphUnauthorised) and (error.meta or {}).get("class") != ErrorClass.PERMISSION
            return ProbeResult(not is_ambiguous(error), is_auth)
        return ProbeResult(True)


def hold_stale(session: Session, phone_number_id: str, limiter: NumberLimiter, now: datetime) -> set[str]:
    """Hold the messages that waited too long for a valid token; return their ids.

    Ends the number's pause once none is left, after one or several calls. The session must hold the lock of
    `events.take_turn`.
    """
    stale = queue.wanted_before(session, phone_number_id, now - STALE_AFTER, BATCH_SIZE)
    hold(session, stale, HeldFor.TOKEN, now)
    if len(stale) < BATCH_SIZE:
        limiter.end_pause()
    return {row["message_id"] for row in stale}


def _is_due(limiter: NumberLimiter, now: datetime) -> bool:
    is_breaker_due = limiter.is_open and limiter.probe_at is not None and limiter.probe_at <= now
    return is_breaker_due or (limiter.is_token_refused and (limiter.paused_until or now) <= now)


def _defer(limiter: NumberLimiter, now: datetime) -> None:
    if limiter.is_open and limiter.probe_at is not None:
        limiter.probe_at = now + rate_limits.PROBE_TIMEOUT
    if limiter.is_token_refused:
        limiter.paused_until = now + AUTH_INTERVAL


def _record(
    session: Session, number: BusinessNumber, limiter: NumberLimiter, result: ProbeResult, now: datetime
) -> None:
    if limiter.is_open and limiter.probe_at is not None:
        limiter.probe_at = None if result.is_answered else now + RETRY_AFTER
    if not limiter.is_token_refused:
        return
    if result.is_token_refused:
        if limiter.paused_for != "auth":
            logger.warning(
                "Meta refuses the number's token; its sends wait", extra={"phone_number_id": number.phone_number_id}
            )
        limiter.paused_for, limiter.paused_until, limiter.token_hash = "auth", now + AUTH_INTERVAL, number.token_hash
    elif not result.is_answered:
        limiter.paused_until = now + RETRY_AFTER
    elif limiter.paused_for == "auth":
        hold_stale(session, number.phone_number_id, limiter, now)
    else:
        limiter.end_pause()
