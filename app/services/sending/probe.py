"""Asking Meta about a number whose sends are stopped, with a question that may be repeated: a GET of the number.

A number is stopped after two outcomes in a row that nobody knows, and after Meta refused its token. What waits is never
used to find out whether that is over; after an answer one message leaves, and the rest follows once Meta took it.
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
from app.domain.rate_limits import Pace
from app.errors import GraphError, GraphUnauthorised
from app.graph.answers import leaves_doubt
from app.graph.client import GraphClient
from app.graph.codes import ErrorClass
from app.logs import get_logger
from app.services.registries.numbers import NumberDirectory
from app.services.sending.holds import hold
from app.services.sending.rate_limits import token_hash
from app.store import events, queue
from app.store import rate_limits as paces

ASK_SECONDS = 10.0
ASK_AGAIN = timedelta(seconds=15)
"""How soon Meta is asked again after no answer."""

AUTH_PROBE = timedelta(minutes=1)
STALE = timedelta(minutes=15)
"""After a token was refused, what is so late waits for a person: it may make no sense any more."""

PORTION = 100

logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Said:
    """What Meta said: whether it is there, and whether it refuses the token."""

    is_there: bool
    refuses_token: bool = False


class ProbeNumbers:
    """Asks about the numbers that are due. Run every second by a worker, and by callers who wait for a send."""

    def __init__(
        self, database: Database, directory: NumberDirectory, graph: GraphClient, now: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._directory = directory
        self._graph = graph
        self._now = now

    def __call__(self) -> bool:
        """Ask about each number that is due; False, since there is never more to do at once. Raises `Unavailable`."""
        if paces.any_to_probe(self._database, self._now()):
            for number in list(self._directory.current.numbers.values()):
                self.ask(number)
        return False

    def ask(self, number: BusinessNumber) -> bool:
        """Ask about a number, if that is due; return whether a message of it may leave now. Raises `Unavailable`."""
        with self._database.write() as session:
            pace = paces.hold(session, number.phone_number_id, self._now())
            is_due = _is_due(pace, self._now())
            if is_due:
                _take(pace, self._now())  # nobody else asks meanwhile
                paces.keep(session, pace)
        if is_due:
            said = self._said(number)
            with self._database.write() as session:
                events.take_turn(session)
                pace = paces.hold(session, number.phone_number_id, self._now())
                _note(session, number, pace, said, self._now())
                paces.keep(session, pace)
        return pace.probe_at is None and pace.paused_for is None

    def _said(self, number: BusinessNumber) -> Said:
        try:
            self._graph.request(
                "GET", number.phone_number_id, token=number.access_token, params={"fields": "id"},
                timeout_seconds=ASK_SECONDS,
            )  # fmt: skip
        except GraphError as error:
            is_auth = isinstance(error, GraphUnauthorised) and (error.meta or {}).get("class") != ErrorClass.PERMISSION
            return Said(not leaves_doubt(error), is_auth)
        return Said(True)


def release_stale(session: Session, phone_number_id: str, pace: Pace, now: datetime) -> set[str]:
    """The number's token is good again: hold what has gone stale meanwhile, and end the pause; return what is held.

    The session must have the turn of who appends events.
    """
    stale = queue.wanted_before(session, phone_number_id, now - STALE, PORTION)
    hold(session, stale, HeldFor.TOKEN, now)
    if len(stale) < PORTION:
        pace.paused_for = pace.paused_until = pace.token_hash = None
    return {row["message_id"] for row in stale}


def _is_due(pace: Pace, now: datetime) -> bool:
    in_doubt = pace.doubts >= rate_limits.DOUBTS and pace.probe_at is not None and pace.probe_at <= now
    return in_doubt or (pace.paused_for in rate_limits.TOKEN_PAUSES and (pace.paused_until or now) <= now)


def _take(pace: Pace, now: datetime) -> None:
    if pace.doubts >= rate_limits.DOUBTS and pace.probe_at is not None:
        pace.probe_at = now + rate_limits.LONGEST_PROBE_PAUSE
    if pace.paused_for in rate_limits.TOKEN_PAUSES:
        pace.paused_until = now + AUTH_PROBE


def _note(session: Session, number: BusinessNumber, pace: Pace, said: Said, now: datetime) -> None:
    if pace.doubts >= rate_limits.DOUBTS and pace.probe_at is not None:
        pace.probe_at = None if said.is_there else now + ASK_AGAIN
    if pace.paused_for not in rate_limits.TOKEN_PAUSES:
        return
    if said.refuses_token:
        if pace.paused_for != "auth":
            logger.warning(
                "Meta refuses the number's token; its sends wait", extra={"phone_number_id": number.phone_number_id}
            )
        pace.paused_for, pace.paused_until, pace.token_hash = "auth", now + AUTH_PROBE, token_hash(number)
    elif not said.is_there:
        pace.paused_until = now + ASK_AGAIN
    elif pace.paused_for == "auth":
        release_stale(session, number.phone_number_id, pace, now)
    else:
        pace.paused_for = pace.paused_until = pace.token_hash = None
