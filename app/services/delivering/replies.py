"""What an app answers to a message may be an answer to the customer."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from app.errors import GatewayError, IdempotencyConflict, Unavailable
from app.logs import get_logger
from app.models import Event
from app.schemas.json_text import check_json
from app.schemas.send import read_send_request
from app.services.delivering.reply_address import ADDRESSES, address_of
from app.services.delivering.types import Work
from app.services.idempotency.keys import Retry
from app.services.sending.send_message import SendMessage
from app.subscribers.client import ANSWER_BYTES

MOST = 10
NOTE_LENGTH = 2000
"""Characters of what is noted of one answer."""

A_PERSON_TOOK_OVER = "a person took over while the bot answered; its answer is not sent"

logger = get_logger(__name__)


class Problem(NamedTuple):
    """Why an answer, or one message of it, is not sent. Only `details` may quote what the app said."""

    reason: str
    details: str = ""


class SendReplies:
    """Queues the replies in an answer, each with a key made of the event and its place: however often an event is
    delivered, the first answer is the one that is sent."""

    def __init__(self, send: SendMessage, with_a_person: Callable[[Event], bool] = lambda event: False) -> None:
        self._send = send
        self._with_a_person = with_a_person

    def __call__(self, work: Work, answer: bytes) -> str | None:
        """Queue what is to be said, in order. Return what is to be noted of it: why it, or a part, is not sent.

        What cannot be sent is logged, too, and does not keep the rest from it. Raises `Unavailable`; the event is then
        delivered again.
        """
        event = work.event
        if event is None or event.type != "message.received" or event.source != "live" or work.claim.is_replay:
            return None
        extra = {"endpoint_id": work.endpoint.id, "event_id": event.id}
        bodies, problems = read_answer(answer)
        if bodies and self._with_a_person(event):
            logger.info("a person took over while a bot answered; its answer is not sent", extra=extra)
            return A_PERSON_TOOK_OVER
        for place, body in enumerate(bodies):
            problems += self._queue(work, event, place, body)
        if not problems:
            return None
        reason = "; ".join(problem.reason for problem in problems)
        logger.warning("an app's answer cannot be sent to the customer", extra={**extra, "reason": reason})
        return "; ".join(": ".join(filter(None, problem)) for problem in problems)[:NOTE_LENGTH]

    def _queue(self, work: Work, event: Event, place: int, body: Any) -> list[Problem]:
        retry = Retry(f"endpoint:{work.endpoint.id}", f"{event.id}:{place}", "reply")
        try:
            self._send(read_send_request(_addressed(check_json(body), event), None), None, retry)
        except Unavailable:
            raise
        except IdempotencyConflict:
            return []  # the first answer was something else, and is sent
        except GatewayError as error:
            details = error.message + (f" {json.dumps(error.fields)}" if error.fields else "")
            return [Problem(f"message {place + 1} cannot be sent ({error.code})", details)]
        return []


def read_answer(answer: bytes) -> tuple[list[Any], list[Problem]]:
    """Return every reply in an answer, and what in it cannot be read.

    An empty answer, JSON's null, and an object that says nothing of replies are silence, which an app may well mean.
    """
    if not answer.strip():
        return [], []
    try:
        said = json.loads(answer)
    except (ValueError, RecursionError):
        if len(answer) >= ANSWER_BYTES:
            return [], [Problem(f"the answer is longer than {ANSWER_BYTES // 1024} KiB")]
        return [], [Problem('the answer is no JSON; answer {"reply":"text"}, or nothing at all (204)')]
    if said is None:
        return [], []
    if not isinstance(said, dict):
        return [], [Problem('the answer is no JSON object, as {"reply":"text"} or {"messages":[]}')]
    return _bodies(said)


def _bodies(said: dict[str, Any]) -> tuple[list[Any], list[Problem]]:
    messages, reply = said.get("messages"), said.get("reply")
    problems = []
    if messages is not None and not isinstance(messages, list):
        problems.append(Problem("`messages` is not a list"))
    if reply is not None and not isinstance(reply, str):
        problems.append(Problem("`reply` is not a text"))
    if isinstance(messages, list):
        if isinstance(reply, str) and reply.strip() and messages:
            problems.append(Problem("`reply` is not sent beside `messages`"))
        if len(messages) > MOST:
            problems.append(Problem(f"of {len(messages)} messages the first {MOST} are sent"))
        if messages:
            return messages[:MOST], problems
    is_text = isinstance(reply, str) and bool(reply.strip())
    return [{"type": "text", "text": {"body": reply}}] if is_text else [], problems


def _addressed(body: Any, event: Event) -> Any:
    """A send body to whoever wrote, in whatever chat, from the number they wrote to."""
    if not isinstance(body, dict):
        return body
    ours = {"phone_number_id": event.phone_number_id, "mode": "queued", "priority": "reply"}
    rest = {name: value for name, value in body.items() if name not in ADDRESSES}
    return rest | address_of(event.type, json.loads(event.data)) | ours
