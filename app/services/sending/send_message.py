"""Send one message: synchronously, with Graph's result for the caller, or through the queue."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app import metrics, metrics_exemplars, traces
from app.db.database import Database
from app.domain import opt_outs, tags
from app.domain.numbers import BusinessNumber
from app.domain.outbound import Mode, OutboundRequest
from app.errors import GraphError, GraphRefused, GraphUnauthorised, GraphUnknown, Invalid, OptedOut, Unavailable
from app.graph import payloads
from app.graph.answers import SendResult
from app.graph.client import GraphClient
from app.ids import new_id
from app.logs import get_logger, request_id_var
from app.models import Message
from app.process import fault_points
from app.process.fault_points import Point
from app.services.audit_log import record_sent_by_hand
from app.services.contacts import record_refusal
from app.services.idempotency import Retry, claim_key
from app.services.registries import NumberDirectory
from app.services.sending import message_media, outcomes, slots
from app.services.sending.check_send import Sendable, check_send
from app.services.sending.chosen_number import choose_number
from app.services.sending.conversation import record_in_conversation
from app.services.sending.outcomes import Disposition
from app.services.sending.record import Recorded, enqueue, record
from app.services.sending.sent import Sent, wait_for_result
from app.services.sending.template_categories import TemplateCategories
from app.store import attempts, conversations, events, limiters, messages, reports

logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One attempt of a synchronous send."""

    message_id: str
    attempt: int
    number: BusinessNumber
    recipient: str
    rank: int
    uploads: Mapping[str, str]


class SendMessage:
    """Sends messages. Each attempt is committed before its HTTP request starts."""

    def __init__(
        self,
        database: Database,
        directory: NumberDirectory,
        graph: GraphClient,
        categories: TemplateCategories,
        now: Callable[[], datetime],
        probe: Callable[[BusinessNumber], bool] = lambda number: False,
    ) -> None:
        """`probe` probes a number whose breaker is open, and returns whether it may send (`ProbeNumbers.probe`)."""
        self._database = database
        self._directory = directory
        self._graph = graph
        self._categories = categories
        self._now = now
        self._probe = probe

    def __call__(
        self, request: OutboundRequest, numbers: tuple[str, ...] | None = None, retry: Retry | None = None
    ) -> Sent:
        """Send a message and wait for Graph's answer, or queue it. `numbers` bounds the numbers the caller may use.

        With `retry`, the same key of the same caller means the same message: it is sent once, and a repeated call
        returns its present state.

        Raises `Invalid`, `NotFound`, `WindowClosed` and `OptedOut` before anything is stored. Raises `GraphThrottled`
        and `GraphUnavailable` if the message certainly was not sent; it is not stored then either. Raises
        `GraphRefused` and `GraphUnauthorised` if Meta refused it; it is stored as failed. A missing answer raises
        nothing: the status is `unknown`, and a status report of Meta may resolve it.
        """
        number = choose_number(self._directory.current, request.phone_number_id, numbers)
        begin = self._queue if request.mode is Mode.QUEUED else self._send_or_probe
        try:
            try:
                return begin(number, request, retry)
            except OptedOut as refusal:
                request = self._categories.clear(request, number.phone_number_id, refusal)
            return begin(number, request, retry)
        except _AwaitsMedia:
            return self._queue_and_wait(number, request, retry)
        except _Repeated as asked:
            return asked.sent

    def check(self, request: OutboundRequest, numbers: tuple[str, ...] | None = None) -> Sendable:
        """Return when the message would be sent; raises what would stop it. Nothing is stored, and Meta is not called.

        Only the category of a template that Meta has not told us yet is asked for, where the customer opted out.
        """
        number = choose_number(self._directory.current, request.phone_number_id, numbers)
        try:
            return check_send(self._database, number, request, self._now())
        except OptedOut as refusal:
            cleared = self._categories.clear(request, number.phone_number_id, refusal)
        return check_send(self._database, number, cleared, self._now())

    def _queue(self, number: BusinessNumber, request: OutboundRequest, retry: Retry | None) -> Sent:
        message_id, now = new_id(), self._now()
        with self._database.write() as session:
            recorded = record(session, message_id, number, request, now, status="queued")
            enqueue(session, recorded, number.phone_number_id, recorded.request, now)
            self._claim(session, retry, recorded.request, message_id, now)
            record_sent_by_hand(session, now, message_id)
            self._show(session, recorded, number, now)
        fault_points.reach(Point.QUEUED)
        return Sent(message_id, None, "queued", recorded.request.warnings)

    def _queue_and_wait(self, number: BusinessNumber, request: OutboundRequest, retry: Retry | None) -> Sent:
        """Queue a message whose files the worker must upload first, and wait some time for what becomes of it."""
        try:
            sent = self._queue(number, request, retry)
        except _Repeated as asked:
            return asked.sent
        return wait_for_result(self._database, sent)

    def _send_or_probe(self, number: BusinessNumber, request: OutboundRequest, retry: Retry | None) -> Sent:
        """Send; if the number's breaker is open, probe Meta first, and send once Meta has answered."""
        try:
            return self._send(number, request, retry)
        except slots.CircuitOpen:
            if not self._probe(number):
                raise
        return self._send(number, request, retry)

    def _send(self, number: BusinessNumber, request: OutboundRequest, retry: Retry | None) -> Sent:
        if request.expires_at is not None and request.expires_at <= self._now():
            raise Invalid(fields={"expires_at": ["is over"]})
        message_id, now = new_id(), self._now()
        with self._database.write() as session:
            recorded = record(session, message_id, number, request, now, status="sending")
            if recorded.awaits_media:
                raise _AwaitsMedia
            self._claim(session, retry, recorded.request, message_id, now)
            slot, limiter = slots.reserve_slot(session, number, recorded.recipient, now)
            attempts.start(session, [(message_id, 1)], now)
            record_sent_by_hand(session, now, message_id)
            self._show(session, recorded, number, now)
        fault_points.reach(Point.SYNC_SENDING)
        if slot > now:
            time.sleep((slot - now).total_seconds())
        this = _Attempt(message_id, 1, number, recorded.recipient, request.priority.rank, recorded.request.uploads)
        result = self._try(this, recorded, limiter.address if request.to else None)
        status = "accepted" if result else "unknown"
        logger.debug("message sent", extra={"message_id": message_id, "status": status})
        return Sent(message_id, result.wamid if result else None, status, recorded.request.warnings, result=result)

    def _show(self, session: Session, recorded: Recorded, number: BusinessNumber, now: datetime) -> None:
        record_in_conversation(
            session, recorded.message_id, recorded.known, number.phone_number_id, recorded.request, now
        )

    def _claim(
        self, session: Session, retry: Retry | None, request: OutboundRequest, message_id: str, now: datetime
    ) -> None:
        earlier = claim_key(session, retry, message_id, now) if retry else None
        if earlier is not None:
            raise _Repeated(_replay(earlier, request.warnings))

    def _try(self, this: _Attempt, recorded: Recorded, address: str | None) -> SendResult | None:
        """Call Graph and record the result; return None for an unknown outcome. Raises the error of a refused send."""
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
            spent = time.perf_counter() - started
            request_id = request_id_var.get()
            metrics_exemplars.observe(metrics.graph_seconds, spent, request_id)
        has_failed = isinstance(answer, GraphError)
        traces.record("send", request_id, spent, has_failed=has_failed, message_id=this.message_id)
        outcomes.count(answer, this.number.phone_number_id)
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
        """Record that the recipient opted out of marketing. If this fails, Meta's next refusal says it again."""
        try:
            with self._database.write() as session:
                events.take_turn(session)
                record_refusal(session, message_id, self._now())
        except Unavailable:
            logger.warning("an opt-out could not be recorded", extra={"message_id": message_id})

    def _note(self, this: _Attempt, answer: SendResult | GraphError) -> str | None:
        """Record the result of an attempt; return another form of the recipient's number if that is to be tried.

        Does not raise `Unavailable`: the caller would send again, and the message would go out twice. Then a status
        report of Meta or the sweep resolves the message.
        """
        try:
            try:
                with self._database.write() as session:
                    return self._record(session, this, answer, self._now())
            except IntegrityError:  # the message's echo was stored at the same moment: the second try sees it
                with self._database.write() as session:
                    events.take_turn(session)
                    return self._record(session, this, answer, self._now())
        except Unavailable:
            logger.warning("the outcome of a send could not be recorded", extra={"message_id": this.message_id})
            return None

    def _record(self, session: Session, this: _Attempt, result: SendResult | GraphError, now: datetime) -> str | None:
        if isinstance(result, SendResult):
            limiters.reset(session, this.number.phone_number_id, this.number.token_hash)
            attempts.accept(session, [(this.message_id, this.attempt, result.wamid)], now)
            if reports.known_to_meta(session, [result.wamid]):
                reports.attach_earlier_news(session, [result.wamid], now)
            return None
        number_id = this.number.phone_number_id
        limiter = limiters.lock(session, number_id, now)
        recipient = limiters.of_recipients(session, number_id, [this.recipient], now)[this.recipient]
        earlier = recipient.address
        found = outcomes.classify(
            result, number=this.number, limiter=limiter, recipient=recipient, rank=this.rank, refusals=0, now=now
        )
        limiters.save(session, limiter)
        limiters.save_recipients(session, number_id, [recipient])
        message_id, attempt = this.message_id, this.attempt
        if found.disposition is Disposition.UNKNOWN:
            if attempts.finish(session, message_id, attempt, state="unknown", now=now, error=result.meta):
                attempts.set_status(session, message_id, "unknown", ("sending",), updated_at=now)
                conversations.touch(session, message_id, now)
        elif isinstance(result, GraphRefused) and recipient.address not in (None, earlier):
            attempts.finish(session, message_id, attempt, state="refused", now=now, error=result.meta)
            attempts.start(session, [(message_id, attempt + 1)], now)
            return recipient.address
        elif isinstance(result, GraphRefused | GraphUnauthorised):
            attempts.finish(session, message_id, attempt, state="refused", now=now, error=result.meta)
            message_media.forget_uploads(session, this.uploads)
            error = outcomes.status_error(result)
            attempts.set_status(session, message_id, "failed", ("sending",), updated_at=now, error=error)
            conversations.touch(session, message_id, now)
        else:
            # It certainly was not sent, and the error asks the caller to try again: nothing is kept.
            messages.remove(session, message_id)
        return None


class _AwaitsMedia(Exception):
    """Rolls back the transaction of a synchronous send whose files are not at Meta yet."""


class _Repeated(Exception):
    """Rolls back the transaction of a repeated call, and carries its result."""

    def __init__(self, sent: Sent) -> None:
        super().__init__()
        self.sent = sent


def _replay(message: Message, warnings: list[str]) -> Sent:
    """Return the present state of the message of a repeated call. Raises `GraphRefused` again if Meta refused it."""
    if message.status == "failed" and message.wamid is None and message.mode != Mode.QUEUED:
        error = message.error or {}
        raise GraphRefused(error.get("title"), meta=error, message_id=message.id)
    return Sent(message.id, message.wamid, message.status, warnings, is_replayed=True)
