"""Send one message: now, knowing afterwards whether it went, or when its turn comes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app import metrics
from app.db.database import Database
from app.domain import opt_outs, tags
from app.domain.numbers import BusinessNumber
from app.domain.outbound import Mode, OutboundRequest
from app.errors import GraphError, GraphRefused, GraphUnauthorised, GraphUnknown, Invalid, OptedOut, Unavailable
from app.graph import payloads
from app.graph.answers import SendResult
from app.graph.client import GraphClient
from app.ids import new_id
from app.logs import get_logger
from app.models import Message
from app.process import fault_points
from app.process.fault_points import Point
from app.services.contacts import record_refusal
from app.services.idempotency import keys
from app.services.idempotency.keys import Retry
from app.services.registries.numbers import NumberDirectory
from app.services.sending import outcomes, rate_limits
from app.services.sending.outcomes import Fate
from app.services.sending.record import LANES, Recorded, choose_number, enqueue, record
from app.services.sending.template_categories import TemplateCategories
from app.store import attempts, events, messages
from app.store import rate_limits as paces
from app.store import reports

logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a send: `queued`, `accepted` by Meta, or `unknown` when its answer never came.

    `result` is Meta's own answer, where the caller waited for it.
    """

    id: str
    message_id: str | None
    status: str
    warnings: list[str] = field(default_factory=list)
    is_replayed: bool = False
    result: SendResult | None = None


@dataclass(frozen=True, slots=True)
class _Try:
    """One try of a caller who waits."""

    message_id: str
    attempt: int
    number: BusinessNumber
    recipient: str
    lane: int


class SendMessage:
    """Sends messages, each recorded before its first byte leaves."""

    def __init__(
        self,
        database: Database,
        directory: NumberDirectory,
        graph: GraphClient,
        categories: TemplateCategories,
        now: Callable[[], datetime],
        may_leave: Callable[[BusinessNumber], bool] = lambda number: False,
    ) -> None:
        """`may_leave` asks Meta about a number that gave no clear answers, if that is due (`ProbeNumbers.ask`)."""
        self._database = database
        self._directory = directory
        self._graph = graph
        self._categories = categories
        self._now = now
        self._may_leave = may_leave

    def __call__(
        self, request: OutboundRequest, numbers: tuple[str, ...] | None = None, retry: Retry | None = None
    ) -> Sent:
        """Send a message and wait for Graph's answer, or queue it. `numbers` bounds which of ours the caller may use.

        With `retry`, the same key of the same caller is the same message: it is sent once, and asked of again.

        Raises `Invalid` and `NotFound` before anything is kept; `GraphThrottled` and `GraphUnavailable` when it was
        certainly not sent, and then nothing is kept either; `GraphRefused` and `GraphUnauthorised` when Meta said no,
        which is kept. No answer is no error: the outcome is `unknown`, and a status from Meta may settle it.
        """
        number = choose_number(self._directory.current, request.phone_number_id, numbers)
        begin = self._queue if request.mode is Mode.QUEUED else self._send_or_ask
        try:
            try:
                return begin(number, request, retry)
            except OptedOut as refusal:
                cleared = self._categories.clear(request, number.phone_number_id, refusal)
            return begin(number, cleared, retry)
        except _AlreadyAsked as asked:
            return asked.sent

    def _queue(self, number: BusinessNumber, request: OutboundRequest, retry: Retry | None) -> Sent:
        message_id, now = new_id(), self._now()
        with self._database.write() as session:
            recorded = record(session, message_id, number, request, now, status="queued")
            enqueue(session, recorded, number.phone_number_id, recorded.request, now)
            self._claim(session, retry, recorded.request, message_id, now)
        fault_points.reach(Point.QUEUED)
        return Sent(message_id, None, "queued", recorded.request.warnings)

    def _send_or_ask(self, number: BusinessNumber, request: OutboundRequest, retry: Retry | None) -> Sent:
        """Send; while Meta gives no clear answers, ask it first how it is, if that is due."""
        try:
            return self._send(number, request, retry)
        except rate_limits.InDoubt:
            if not self._may_leave(number):
                raise
        return self._send(number, request, retry)

    def _send(self, number: BusinessNumber, request: OutboundRequest, retry: Retry | None) -> Sent:
        if request.expires_at is not None and request.expires_at <= self._now():
            raise Invalid(fields={"expires_at": ["is over"]})
        message_id, now = new_id(), self._now()
        with self._database.write() as session:
            recorded = record(session, message_id, number, request, now, status="sending")
            self._claim(session, retry, recorded.request, message_id, now)
            turn, pair = rate_limits.take_now(session, number, recorded.recipient, now)
            attempts.begin(session, [(message_id, 1)], now)
        fault_points.reach(Point.SYNC_SENDING)
        if turn > now:
            time.sleep((turn - now).total_seconds())
        this = _Try(message_id, 1, number, recorded.recipient, LANES[request.priority])
        result = self._try(this, recorded, pair.address if request.to else None)
        status = "accepted" if result else "unknown"
        logger.debug("message sent", extra={"message_id": message_id, "status": status})
        return Sent(message_id, result.wamid if result else None, status, recorded.request.warnings, result=result)

    def _claim(
        self, session: Session, retry: Retry | None, request: OutboundRequest, message_id: str, now: datetime
    ) -> None:
        earlier = keys.claim(session, retry, message_id, now) if retry else None
        if earlier is not None:
            raise _AlreadyAsked(_replay(earlier, request.warnings))

    def _try(self, this: _Try, recorded: Recorded, address: str | None) -> SendResult | None:
        """Call Meta, and record what came of it; None when nobody knows. Raises what Meta refused it for."""
        request = replace(recorded.request, to=address) if address else recorded.request
        tag = tags.make(this.message_id, this.attempt)
        payload = payloads.message(request, reply_wamid=recorded.reply_wamid, callback_data=tag)
        started = time.perf_counter()
        try:
            answer: SendResult | GraphError = self._graph.send(
                this.number.phone_number_id, payload, this.number.access_token
            )
        except GraphError as error:
            answer = error
        finally:
            metrics.graph_seconds.observe(time.perf_counter() - started)
        metrics.sends.labels(outcomes.label(answer)).inc()
        fault_points.reach(Point.SYNC_ANSWERED)
        other = self._note(this, answer)
        fault_points.reach(Point.SYNC_RECORDED)
        if other is not None:
            return self._try(replace(this, attempt=this.attempt + 1), recorded, other)
        if isinstance(answer, SendResult):
            return answer
        if isinstance(answer, GraphUnknown):
            logger.warning("no answer from Meta; the send is unknown", extra={"message_id": this.message_id})
            return None
        if opt_outs.is_refusal(answer.meta):
            self._note_opt_out(this.message_id)
        if isinstance(answer, GraphRefused | GraphUnauthorised):
            answer.message_id = this.message_id
        raise answer

    def _note_opt_out(self, message_id: str) -> None:
        """Record that the recipient wants no marketing. If that cannot be, Meta will say it again."""
        try:
            with self._database.write() as session:
                events.take_turn(session)
                record_refusal(session, message_id, self._now())
        except Unavailable:
            logger.warning("an opt-out could not be recorded", extra={"message_id": message_id})

    def _note(self, this: _Try, answer: SendResult | GraphError) -> str | None:
        """Record what became of a message that left; return another form of its number that is to be tried.

        If it cannot be recorded, that is left to Meta's report and to `settle`: told that the database is away, the
        caller would come again, and the message go out twice.
        """
        try:
            try:
                with self._database.write() as session:
                    return self._record(session, this, answer, self._now())
            except IntegrityError:  # the message's echo was stored at the same moment: now it can be seen
                with self._database.write() as session:
                    events.take_turn(session)
                    return self._record(session, this, answer, self._now())
        except Unavailable:
            logger.warning("the outcome of a send could not be recorded", extra={"message_id": this.message_id})
            return None

    def _record(self, session: Session, this: _Try, answer: SendResult | GraphError, now: datetime) -> str | None:
        if isinstance(answer, SendResult):
            paces.calm(session, this.number.phone_number_id, rate_limits.token_hash(this.number))
            attempts.accept(session, [(this.message_id, this.attempt, answer.wamid)], now)
            if reports.known_to_meta(session, [answer.wamid]):
                reports.attach_earlier_news(session, [answer.wamid], now)
            return None
        pace = paces.hold(session, this.number.phone_number_id, now)
        pair = paces.of_pairs(session, this.number.phone_number_id, [this.recipient], now)[this.recipient]
        known = pair.address
        verdict = outcomes.judge(
            answer, number=this.number, pace=pace, pair=pair, lane=this.lane, refusals=0, now=now
        )
        paces.keep(session, pace)
        paces.save_pairs(session, this.number.phone_number_id, [pair])
        message_id, attempt = this.message_id, this.attempt
        if verdict.fate is Fate.UNKNOWN:
            if attempts.end(session, message_id, attempt, state="unknown", now=now, error=answer.meta):
                attempts.set_status(session, message_id, "unknown", ("sending",), updated_at=now)
        elif isinstance(answer, GraphRefused) and pair.address not in (None, known):
            attempts.end(session, message_id, attempt, state="refused", now=now, error=answer.meta)
            attempts.begin(session, [(message_id, attempt + 1)], now)
            return pair.address
        elif isinstance(answer, GraphRefused | GraphUnauthorised):
            attempts.end(session, message_id, attempt, state="refused", now=now, error=answer.meta)
            why: dict[str, Any] = outcomes.reason(answer)
            attempts.set_status(session, message_id, "failed", ("sending",), updated_at=now, error=why)
        else:
            # It was certainly not sent, and the caller is told to come again: there is nothing to keep.
            messages.remove(session, message_id)
        return None


class _AlreadyAsked(Exception):
    """Rolls back what a retry began to write, and carries what it is answered."""

    def __init__(self, sent: Sent) -> None:
        super().__init__()
        self.sent = sent


def _replay(message: Message, warnings: list[str]) -> Sent:
    """Answer a retry from the message as it stands. Raises `GraphRefused` again if Meta had refused it."""
    if message.status == "failed" and message.wamid is None and message.mode != Mode.QUEUED:
        error = message.error or {}
        raise GraphRefused(error.get("title"), meta=error, message_id=message.id)
    return Sent(message.id, message.wamid, message.status, warnings, is_replayed=True)
