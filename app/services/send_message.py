"""Send one message now, and know afterwards whether it went."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app import metrics
from app.database import Database
from app.domain import tags
from app.domain.addresses import is_user_id
from app.domain.notifications import Person
from app.domain.numbers import BusinessNumber
from app.domain.outbound import OutboundRequest, summary
from app.domain.phone_numbers import to_wa_id
from app.errors import GraphError, GraphRefused, GraphUnauthorised, GraphUnknown, Invalid, NotFound, Unavailable
from app.graph import payloads
from app.graph.answers import SendResult
from app.graph.client import GraphClient
from app.ids import new_id
from app.logs import get_logger
from app.models import Message
from app.services import idempotency
from app.services.idempotency import Retry
from app.services.number_directory import NumberDirectory
from app.services.processing.people import ContactBook, aliases, all_aliases
from app.services.send_rules import check_window
from app.store import attempts, contacts, messages, reports

logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a send: `accepted` by Meta, or `unknown` when its answer never came."""

    id: str
    message_id: str | None
    status: str
    warnings: list[str] = field(default_factory=list)
    is_replayed: bool = False


class SendMessage:
    """Sends messages, each recorded before its first byte leaves."""

    def __init__(
        self, database: Database, directory: NumberDirectory, graph: GraphClient, now: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._directory = directory
        self._graph = graph
        self._now = now

    def __call__(
        self, request: OutboundRequest, numbers: tuple[str, ...] | None = None, retry: Retry | None = None
    ) -> Sent:
        """Send a message and wait for Graph's answer. `numbers` bounds which of our numbers the caller may use.

        With `retry`, the same key of the same caller is the same message: it is sent once, and asked of again.

        Raises `Invalid` and `NotFound` before anything is kept; `GraphThrottled` and `GraphUnavailable` when it was
        certainly not sent, and then nothing is kept either; `GraphRefused` and `GraphUnauthorised` when Meta said no,
        which is kept. No answer is no error: the outcome is `unknown`, and a status from Meta may settle it.
        """
        number = self._number(request.phone_number_id, numbers)
        message_id = new_id()
        try:
            with self._database.write() as session:
                reply_wamid = self._record(session, message_id, number, request)
                earlier = idempotency.claim(session, retry, message_id, self._now()) if retry else None
                if earlier is not None:
                    raise _AlreadyAsked(_replay(earlier, request.warnings))
        except _AlreadyAsked as asked:
            return asked.sent
        payload = payloads.message(request, reply_wamid=reply_wamid, callback_data=tags.make(message_id, 1))
        started = time.perf_counter()
        try:
            result = self._graph.send(number.phone_number_id, payload, number.access_token)
        except GraphError as error:
            status, wamid = self._fail(message_id, error)
        else:
            status, wamid = "accepted", result.wamid
            self._accept(message_id, number, result)
        finally:
            metrics.graph_seconds.observe(time.perf_counter() - started)
        metrics.sends.labels(status).inc()
        logger.debug("message sent", extra={"message_id": message_id, "status": status})
        return Sent(message_id, wamid, status, request.warnings)

    def _number(self, phone_number_id: str | None, allowed: tuple[str, ...] | None) -> BusinessNumber:
        found = {
            number_id: number
            for number_id, number in self._directory.current.numbers.items()
            if allowed is None or number_id in allowed
        }
        if phone_number_id is not None:
            if phone_number_id not in found:
                raise NotFound("No number of ours has this phone_number_id.")
            return found[phone_number_id]
        if len(found) != 1:
            raise Invalid(fields={"phone_number_id": ["is required, because there is not exactly one number"]})
        return next(iter(found.values()))

    def _record(
        self, session: Session, message_id: str, number: BusinessNumber, request: OutboundRequest
    ) -> str | None:
        """Write the message and its first try; return the wamid of the message it answers."""
        now = self._now()
        quoted = self._quoted(session, request.reply_to, number)
        contact_id = self._contact(session, request, now)
        check_window(session, request, contact_id, number.phone_number_id, now)
        us = f"+{number.display_phone_number}" if number.display_phone_number else None
        if us is None and contact_id is not None:
            us = messages.our_address(session, contact_id, number.phone_number_id)
        messages.add(
            session,
            {
                "id": message_id,
                "direction": "outbound",
                "phone_number_id": number.phone_number_id,
                "contact_id": contact_id,
                "sender": us,
                "recipient": request.to or request.recipient or request.group_id,
                "message_type": request.type,
                "message": summary(request.type, request.content),
                "content": request.content,
                "context": quoted,
                "group_id": request.group_id,
                "timestamp": now,
                "status": "sending",
                "callback_data": request.callback_data,
                "source": "live",
                "flags": [],
                "received_at": now,
                "updated_at": now,
            },
        )
        attempts.begin(session, message_id, 1, now)
        return quoted["message_id"] if quoted else None

    def _quoted(self, session: Session, reply_to: str | None, number: BusinessNumber) -> dict[str, Any] | None:
        if reply_to is None:
            return None
        row = messages.find(session, reply_to, (number.phone_number_id,))
        if row is None:
            if reply_to.startswith("wamid."):
                return {"id": None, "message_id": reply_to}
            raise Invalid(fields={"reply_to": ["names no message we have; use its id or its wamid"]})
        if row.wamid is None:
            raise Invalid(fields={"reply_to": ["names a message that Meta has not taken yet"]})
        return {"id": row.id, "message_id": row.wamid}

    def _contact(self, session: Session, request: OutboundRequest, now: datetime) -> str | None:
        person = Person(
            wa_id=to_wa_id(request.to) if request.to else None,
            user_id=request.recipient if request.recipient and is_user_id(request.recipient) else None,
        )
        if not aliases(person):
            return None
        while True:
            book = ContactBook.of(now, contacts.find_by_aliases(session, all_aliases([person])))
            contact = book.get(person)
            assert contact is not None
            if book.new:
                contacts.add(session, book.new_rows())
            if not book.new_aliases or contacts.add_aliases(session, book.alias_rows()):
                return contact.id
            contacts.remove(session, contact.id)  # somebody else met this person at the same moment

    def _accept(self, message_id: str, number: BusinessNumber, result: SendResult) -> None:
        now = self._now()

        def write(session: Session) -> None:
            attempts.end(session, message_id, 1, state="accepted", now=now, wamid=result.wamid)
            attempts.set_status(session, message_id, "accepted", ("sending", "unknown"), updated_at=now)
            messages.set_wamid(session, message_id, result.wamid)
            reports.adopt(session, message_id, result.wamid, number.phone_number_id, now)

        self._note_outcome(message_id, write)

    def _fail(self, message_id: str, error: GraphError) -> tuple[str, str | None]:
        """Record how a try failed; raise what the caller must know."""
        now = self._now()

        def write(session: Session) -> None:
            if isinstance(error, GraphUnknown):
                if attempts.end(session, message_id, 1, state="unknown", now=now, error=error.meta):
                    attempts.set_status(session, message_id, "unknown", ("sending",), updated_at=now)
            elif isinstance(error, GraphRefused | GraphUnauthorised):
                attempts.end(session, message_id, 1, state="refused", now=now, error=error.meta)
                attempts.set_status(
                    session, message_id, "failed", ("sending",), updated_at=now, error=_reason(error)
                )
            else:
                # It was certainly not sent, and the caller is told to come again: there is nothing to keep.
                messages.remove(session, message_id)

        self._note_outcome(message_id, write)
        if isinstance(error, GraphUnknown):
            logger.warning("no answer from Meta; the send is unknown", extra={"message_id": message_id})
            return "unknown", None
        metrics.sends.labels(error.code).inc()
        if isinstance(error, GraphRefused | GraphUnauthorised):
            error.message_id = message_id
        raise error

    def _note_outcome(self, message_id: str, write: Callable[[Session], None]) -> None:
        """Record what became of a message that left; or else leave that to Meta's report and `SettleSends`.

        Told that the database is away, the caller would come again, and the message go out twice.
        """
        try:
            with self._database.write() as session:
                write(session)
        except Unavailable:
            logger.warning("the outcome of a send could not be recorded", extra={"message_id": message_id})


class _AlreadyAsked(Exception):
    """Rolls back what a retry began to write, and carries what it is answered."""

    def __init__(self, sent: Sent) -> None:
        super().__init__()
        self.sent = sent


def _replay(message: Message, warnings: list[str]) -> Sent:
    """Answer a retry from the message as it stands. Raises `GraphRefused` again if Meta had refused it."""
    if message.status == "failed" and message.wamid is None:
        error = message.error or {}
        raise GraphRefused(error.get("title"), meta=error, message_id=message.id)
    return Sent(message.id, message.wamid, message.status, warnings, is_replayed=True)


def _reason(error: GraphError) -> dict[str, Any]:
    meta = error.meta or {}
    return {"code": meta.get("code"), "title": error.message, "details": meta.get("details")}
