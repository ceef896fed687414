"""Send to the customer what an endpoint with `replies` answers to an inbound message."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

from app.errors import GatewayError, IdempotencyConflict, Unavailable
from app.logs import get_logger
from app.schemas.json_text import check_json
from app.schemas.send import read_send_request
from app.services.delivering.reply_address import ADDRESSES, address_of
from app.services.delivering.types import DeliveryBatch
from app.services.idempotency import Retry
from app.services.sending import SendMessage
from app.store.events import StoredEvent
from app.subscribers.client import ANSWER_BYTES

MAX_MESSAGES = 10
NOTE_LENGTH = 2000
"""Characters of the note that is stored with an attempt."""

A_PERSON_TOOK_OVER = "a person took over while the bot answered; its answer is not sent"

logger = get_logger(__name__)


class Problem(NamedTuple):
    """Why an answer, or one message of it, is not sent. `details` may quote the answer and is never logged."""

    reason: str
    details: str = ""


class SendReplies:
    """Queues the messages in an answer, each with an idempotency key made of the event's id and its index.

    So if an event is delivered several times, only the first answer is sent.
    """

    def __init__(self, send: SendMessage, with_a_person: Callable[[StoredEvent], bool] = lambda event: False) -> None:
        self._send = send
        self._with_a_person = with_a_person

    def __call__(self, batch: DeliveryBatch, answer: bytes) -> str | None:
        """Queue the messages of an answer in order. Return why it, or some of them, cannot be sent; None if all can.

        Such problems are logged, too, and do not prevent the sending of the other messages. Raises `Unavailable`; the
        event is then delivered again.
        """
        event = batch.event
        if event is None or event.type != "message.received" or event.source != "live" or batch.claim.is_replay:
            return None
        extra = {"endpoint_id": batch.endpoint.id, "event_id": event.id}
        bodies, problems = read_answer(answer)
        if bodies and self._with_a_person(event):
            logger.info("a person took over while a bot answered; its answer is not sent", extra=extra)
            return A_PERSON_TOOK_OVER
        for index, body in enumerate(bodies):
            problems += self._queue(batch, event, index, body)
        if not problems:
            return None
        reason = "; ".join(problem.reason for problem in problems)
        logger.warning("an app's answer cannot be sent to the customer", extra={**extra, "reason": reason})
        return "; ".join(": ".join(filter(None, problem)) for problem in problems)[:NOTE_LENGTH]

    def _queue(self, batch: DeliveryBatch, event: StoredEvent, index: int, body: Any) -> list[Problem]:
        retry = Retry(f"endpoint:{batch.endpoint.id}", f"{event.id}:{index}", "reply")
        try:
            request = read_send_request(_addressed(check_json(body), event), None)
            self._send(replace(request, sent_by=f"endpoint:{batch.endpoint.id}"), None, retry)
        except Unavailable:
            raise
        except IdempotencyConflict:
            return []  # another answer to this event was queued before
        except GatewayError as error:
            details = error.message + (f" {json.dumps(error.fields)}" if error.fields else "")
            return [Problem(f"message {index + 1} cannot be sent ({error.code})", details)]
        return []


def read_answer(answer: bytes) -> tuple[list[Any], list[Problem]]:
    """Return the send bodies in an answer, and the problems in it.

    An empty answer, JSON's null, and an object without `reply` and `messages` hold none, and are no problem.
    """
    if not answer.strip():
        return [], []
    try:
        parsed = json.loads(answer)
    except (ValueError, RecursionError):
        if len(answer) >= ANSWER_BYTES:
            return [], [Problem(f"the answer is longer than {ANSWER_BYTES // 1024} KiB")]
        return [], [Problem('the answer is no JSON; answer {"reply":"text"}, or nothing at all (204)')]
    if parsed is None:
        return [], []
    if not isinstance(parsed, dict):
        return [], [Problem('the answer is no JSON object, as {"reply":"text"} or {"messages":[]}')]
    return _bodies(parsed)


def _bodies(answer: dict[str, Any]) -> tuple[list[Any], list[Problem]]:
    messages, reply = answer.get("messages"), answer.get("reply")
    problems = []
    if messages is not None and not isinstance(messages, list):
        problems.append(Problem("`messages` is not a list"))
    if reply is not None and not isinstance(reply, str):
        problems.append(Problem("`reply` is not a text"))
    if isinstance(messages, list):
        if isinstance(reply, str) and reply.strip() and messages:
            problems.append(Problem("`reply` is not sent beside `messages`"))
        if len(messages) > MAX_MESSAGES:
            problems.append(Problem(f"of {len(messages)} messages the first {MAX_MESSAGES} are sent"))
        if messages:
            return messages[:MAX_MESSAGES], problems
    is_text = isinstance(reply, str) and bool(reply.strip())
    return [{"type": "text", "text": {"body": reply}}] if is_text else [], problems


def _addressed(body: Any, event: StoredEvent) -> Any:
    """Return the send body with the address of the customer or group, and the number, of the event."""
    if not isinstance(body, dict):
        return body
    ours = {"phone_number_id": event.phone_number_id, "mode": "queued", "priority": "reply"}
    rest = {name: value for name, value in body.items() if name not in ADDRESSES}
    return rest | address_of(event.type, json.loads(event.data)) | ours
