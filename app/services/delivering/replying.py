"""What an app answers to a message may be an answer to the customer."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from app.errors import GatewayError, IdempotencyConflict, Unavailable
from app.logs import get_logger
from app.models import Event
from app.schemas.json_text import check_json
from app.schemas.send import read_send_request
from app.services.delivering.addressing import ADDRESSES, address_of
from app.services.delivering.work import Work
from app.services.idempotency import Retry
from app.services.send_message import SendMessage

MOST = 10

logger = get_logger(__name__)


class SendReplies:
    """Queues the replies in an answer, each with a key made of the event and its place: however often an event is
    delivered, the first answer is the one that is sent."""

    def __init__(self, send: SendMessage, with_a_person: Callable[[Event], bool] = lambda event: False) -> None:
        self._send = send
        self._with_a_person = with_a_person

    def __call__(self, work: Work, answer: bytes) -> None:
        """Queue what is to be said, in order. What cannot be sent is logged and does not keep the rest from it.

        Raises `Unavailable`; the event is then delivered again.
        """
        event = work.event
        if event is None or event.type != "message.received" or event.source != "live" or work.claim.is_replay:
            return
        bodies = replies_in(answer)
        if bodies and self._with_a_person(event):
            extra = {"endpoint_id": work.endpoint.id, "event_id": event.id}
            logger.info("a person took over while a bot answered; its answer is not sent", extra=extra)
            return
        for place, body in enumerate(bodies):
            retry = Retry(f"endpoint:{work.endpoint.id}", f"{event.id}:{place}", "reply")
            try:
                self._send(read_send_request(_addressed(check_json(body), event), None), None, retry)
            except Unavailable:
                raise
            except IdempotencyConflict:
                continue
            except GatewayError as error:
                extra = {"endpoint_id": work.endpoint.id, "event_id": event.id, "code": error.code}
                logger.warning("a reply cannot be sent", extra=extra)


def replies_in(answer: bytes) -> list[Any]:
    """Every reply in an answer; none in one that is no JSON object or says nothing of replies."""
    try:
        said = json.loads(answer)
    except (ValueError, RecursionError):
        return []
    if not isinstance(said, dict):
        return []
    messages = said.get("messages")
    if isinstance(messages, list):
        return messages[:MOST]
    reply = said.get("reply")
    return [{"type": "text", "text": {"body": reply}}] if isinstance(reply, str) and reply.strip() else []


def _addressed(body: Any, event: Event) -> Any:
    """A send body to whoever wrote, in whatever chat, from the number they wrote to."""
    if not isinstance(body, dict):
        return body
    ours = {"phone_number_id": event.phone_number_id, "mode": "queued", "priority": "reply"}
    rest = {name: value for name, value in body.items() if name not in ADDRESSES}
    return rest | address_of(event.type, json.loads(event.data)) | ours
