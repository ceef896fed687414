"""Work the queue off: give turns to what waits, and record what became of what left."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from app import metrics
from app.database import Database
from app.domain import opt_outs, pacing, tags
from app.domain.numbers import BusinessNumber
from app.errors import GraphError
from app.graph import payloads
from app.graph.answers import SendResult
from app.logs import get_logger
from app.models import Message, NumberPace, PairPace
from app.services import contact_news
from app.services.number_directory import NumberDirectory
from app.services.sending import outcomes, turns
from app.services.sending.outcomes import Fate, Verdict
from app.services.sending.recording import to_request
from app.services.sending.told import tell
from app.store import attempts, events, messages, paces, queue, reports
from app.store.queue import Row

STALE = timedelta(minutes=15)
"""After a token was dead, what should have gone longer ago than this waits for a person: it may make no sense now."""

PORTION = 500
AT_ONCE = 128
"""So many messages at most leave in one transaction, which keeps it short."""

logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Departure:
    """A message that leaves at `at`: its try is committed as `sending`, so a crash from here on leaves it `unknown`."""

    message_id: str
    attempt: int
    number: BusinessNumber
    payload: dict[str, Any]
    at: datetime
    queued: Row
    """The row it had in the queue, should it have to come back."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A departure, and Graph's answer."""

    departure: Departure
    answer: SendResult | GraphError


class SendQueue:
    """The queue as a worker sees it. `exchange` is called again and again; several workers may, at the same time."""

    def __init__(self, database: Database, directory: NumberDirectory, now: Callable[[], datetime]) -> None:
        self._database = database
        self._directory = directory
        self._now = now

    def has_due(self) -> bool:
        """Whether anything may be waiting for a turn. Takes no lock."""
        with self._database.read() as session:
            return queue.any_due(session, self._now())

    def exchange(self, arrivals: Sequence[Arrival], free: int) -> list[Departure]:
        """Record what came back, and let at most `free` messages leave, in one transaction.

        Raises `Unavailable`; then nothing of it happened, and the arrivals must be given again.
        """
        numbers = list(self._directory.current.numbers.values())
        random.shuffle(numbers)
        departures: list[Departure] = []
        with self._database.write() as session:
            events.take_turn(session)
            now = self._now()  # not before: the wait for the lock may be longer than a turn
            if arrivals:
                self._record(session, arrivals, now)
            left = min(free, AT_ONCE)
            for place, number in enumerate(numbers):
                if left <= 0:
                    break
                fair = max(1, left // (len(numbers) - place)) if len(numbers) > 1 else left
                departures += self._depart(session, number, fair if place else max(fair, left // 2), now)
                left = min(free, AT_ONCE) - len(departures)
        if departures:
            logger.debug("messages leave the queue", extra={"count": len(departures)})
        return departures

    def _depart(self, session: Session, number: BusinessNumber, most: int, now: datetime) -> list[Departure]:
        lanes = [lane for lane in (0, 1, 2) if queue.next_of(session, number.phone_number_id, [lane], now, 1)]
        if not lanes:
            return []
        pace = paces.lock(session, number.phone_number_id, now)
        if pace.paused_for == "auth" and pace.token_hash != turns.token_hash(number):
            self._release(session, number, pace, now)
        if pace.bulk_stopped_by is not None:
            lanes = [lane for lane in lanes if lane != outcomes.BULK]
        open_ = turns.open_turns(session, pace, number, now, most)
        if not open_ or not lanes:
            return []
        waiting = queue.next_of(session, number.phone_number_id, lanes, now, 2 * len(open_))
        pairs = paces.pairs(session, number.phone_number_id, {row["recipient"] for row in waiting}, now)
        chosen = self._choose(session, waiting, pairs, open_)
        if pace.doubts >= pacing.DOUBTS and chosen:
            turns.take_probe(pace, now)
        return self._leave(session, number, pace, pairs, chosen, now)

    def _choose(
        self, session: Session, waiting: list[Row], pairs: dict[str, PairPace], open_: list[datetime]
    ) -> list[tuple[Row, datetime]]:
        """Whom the turns go to. Who wrote to the same person too often is looked at again when that is paid back."""
        chosen: list[tuple[Row, datetime]] = []
        parked: dict[str, int] = {}
        for row in waiting:
            if len(chosen) == len(open_):
                break
            turn, pair = open_[len(chosen)], pairs[row["recipient"]]
            ready_at = pacing.pair_ready_at(pair.paid_until)
            if ready_at > turn:
                behind = parked.get(row["recipient"], 0)
                parked[row["recipient"]] = behind + 1
                queue.postpone(session, row["message_id"], ready_at + behind * pacing.PAIR_INTERVAL)
                continue
            pair.paid_until = pacing.pair_paid_until(pair.paid_until, turn)
            chosen.append((row, turn))
        return chosen

    def _leave(
        self,
        session: Session,
        number: BusinessNumber,
        pace: NumberPace,
        pairs: dict[str, PairPace],
        chosen: list[tuple[Row, datetime]],
        now: datetime,
    ) -> list[Departure]:
        if not chosen:
            return []
        ids = [row["message_id"] for row, _ in chosen]
        leaving = attempts.leave(session, ids, now)
        queue.remove(session, ids)
        left = [(row, turn) for row, turn in chosen if row["message_id"] in leaving]
        if not left:
            return []
        attempts.begin(session, [(row["message_id"], row["attempt"]) for row, _ in left], now)
        pace.next_turn_at = pacing.turn_after(left[-1][1], number.rate * pace.share)
        found = messages.find_many(session, leaving)
        return [
            self._departure(number, row, pairs[row["recipient"]], found[row["message_id"]], turn) for row, turn in left
        ]

    def _departure(
        self, number: BusinessNumber, row: Row, pair: PairPace, message: Message, turn: datetime
    ) -> Departure:
        request = to_request(message)
        if pair.address and request.to:
            request = replace(request, to=pair.address)
        payload = payloads.message(
            request,
            reply_wamid=(message.context or {}).get("message_id"),
            callback_data=tags.make(message.id, row["attempt"]),
        )
        return Departure(message.id, row["attempt"], number, payload, turn, row)

    def _release(self, session: Session, number: BusinessNumber, pace: NumberPace, now: datetime) -> None:
        """The number has a new token. What has gone stale meanwhile is not sent without asking."""
        stale = queue.wanted_before(session, number.phone_number_id, now - STALE, PORTION)
        if stale:
            held = attempts.set_status_of(session, stale, "held", ("queued",), now)
            queue.remove(session, stale)
            tell(session, dict.fromkeys(held), now)
        if len(stale) < PORTION:
            pace.paused_for = pace.paused_until = pace.token_hash = None

    def _record(self, session: Session, arrivals: Sequence[Arrival], now: datetime) -> None:
        by_number: dict[str, list[Arrival]] = {}
        for arrival in arrivals:
            by_number.setdefault(arrival.departure.number.phone_number_id, []).append(arrival)
        news: dict[str, dict[str, Any] | None] = {}
        accepted: list[tuple[str, int, str]] = []
        for number_id, theirs in sorted(by_number.items()):
            pace = paces.lock(session, number_id, now)
            # What went well says nothing new about its recipient.
            complaints = {
                arrival.departure.queued["recipient"] for arrival in theirs if isinstance(arrival.answer, GraphError)
            }
            pairs = paces.pairs(session, number_id, complaints, now)
            for arrival in theirs:
                gone, row = arrival.departure, arrival.departure.queued
                verdict = outcomes.judge(
                    arrival.answer, number=gone.number, pace=pace, pair=pairs.get(row["recipient"]), lane=row["lane"],
                    refusals=row["refusals"], now=now,
                )  # fmt: skip
                metrics.sends.labels(str(verdict.fate)).inc()
                if isinstance(arrival.answer, SendResult):
                    accepted.append((gone.message_id, gone.attempt, arrival.answer.wamid))
                    news[gone.message_id] = None
                else:
                    news |= self._not_accepted(session, gone, verdict, arrival.answer, now)
        if accepted:
            attempts.accept(session, accepted, now)
            waiting = reports.waiting(session, [wamid for _, _, wamid in accepted])
            if waiting:
                reports.adopt_all(session, waiting, now)
        if news:
            session.flush()
            tell(session, news, now)

    def _not_accepted(
        self, session: Session, gone: Departure, verdict: Verdict, error: GraphError, now: datetime
    ) -> dict[str, dict[str, Any] | None]:
        state = "unknown" if verdict.fate is Fate.UNKNOWN else "refused"
        if not attempts.end(session, gone.message_id, gone.attempt, state=state, now=now, error=error.meta):
            return {}
        if verdict.fate is Fate.UNKNOWN:
            attempts.set_status(session, gone.message_id, "unknown", ("sending",), updated_at=now)
            logger.warning("no answer from Meta; the send is unknown", extra={"message_id": gone.message_id})
            return {}
        why = outcomes.reason(error)
        if verdict.fate is Fate.FAILED:
            moved = attempts.set_status(session, gone.message_id, "failed", ("sending",), updated_at=now, error=why)
            if moved and opt_outs.is_refusal(error.meta):
                contact_news.refused(session, gone.message_id, now)
            return {gone.message_id: why} if moved else {}
        if attempts.set_status(session, gone.message_id, "queued", ("sending",), updated_at=now):
            back = gone.queued | {
                "attempt": gone.attempt + 1,
                "refusals": gone.queued["refusals"] + verdict.counts,
                "due_at": verdict.due_at or now,
            }
            queue.add(session, [back])
        return {}
