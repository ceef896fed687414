"""What a handler may ask for while it is called, and how it is done."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from app.domain.handover import HandledBy
from app.domain.outbound import OutboundRequest
from app.errors import Invalid, Malformed, NotFound, WrongState
from app.handlers.process import Act
from app.models import Event
from app.schemas.json_text import check_json
from app.schemas.send import SendMessageResponse, read_send_request
from app.services.contacts import HandOver
from app.services.delivering.reply_address import ADDRESSES, address_of
from app.services.delivering.types import Work
from app.services.graph_proxy.proxy import GraphFace, Query
from app.services.idempotency.keys import Retry
from app.services.messages import MarkRead
from app.services.sending.send_message import SendMessage

KEYS_KEPT_FOR = timedelta(days=30)
"""Longer than a delivery is tried, and than most are still retried by hand."""

PART_BYTES = 256 * 1024
"""Of a file, in one frame to the handler's process."""

Json = dict[str, Any]

_RESPONSE = SendMessageResponse()


class HandlerActs:
    """The services behind the `client` that handlers are given."""

    def __init__(
        self, send: SendMessage, mark_read: MarkRead, hand_over: HandOver, files: GraphFace, region: str | None
    ) -> None:
        self.send = send
        self.mark_read = mark_read
        self.hand_over = hand_over
        self.files = files
        self.region = region

    def of(self, work: Work, event: Event) -> Act:
        """What one call can have done. It takes what the handler process said, and raises `GatewayError`."""
        call = _Call(self, work, event)
        acts: dict[str, Callable[[Json], object]] = {
            "send": call.send,
            "mark_read": lambda told: call.show(told, typing=False),
            "show_typing": lambda told: call.show(told, typing=True),
            "handover": lambda told: call.hand_over(),
            "download": call.download,
            "download_more": lambda told: call.download_more(),
        }

        def act(told: Json) -> object:
            does = acts.get(str(told.get("what")))
            if does is None:
                raise Malformed("There is no such thing to ask for.")
            return does(told)

        return act


class _Call:
    """One call of one handler."""

    def __init__(self, services: HandlerActs, work: Work, event: Event) -> None:
        self._services = services
        self._work = work
        self._event = event
        self._data: Json = json.loads(event.data)
        self._may_talk_over = work.claim.is_replay
        self._file: Iterator[bytes] = iter(())

    def send(self, told: Json) -> object:
        """Queue a message. The same place in the same event is the same message, whatever the handler says then."""
        body, place = check_json(told.get("body")), told.get("n")
        if not isinstance(body, dict) or not isinstance(place, int):
            raise Malformed
        request = self._request(body)
        key = f"{self._event.id}:{self._work.endpoint.url}:{place}"
        sent = self._services.send(request, None, Retry("handlers", key, "handler", KEYS_KEPT_FOR))
        return _RESPONSE.dump(
            {
                "success": True,
                "message_id": sent.message_id,
                "id": sent.id,
                "status": sent.status,
                "warnings": sent.warnings,
            }
        )

    def _request(self, body: Json) -> OutboundRequest:
        if body.get("mode", "queued") != "queued":
            raise Invalid(fields={"mode": ["a handler's sends are queued: leave it out"]})
        theirs = address_of(self._event.type, self._data)
        given = {name: value for name, value in body.items() if value is not None}
        if not given.keys() & set(ADDRESSES):
            given |= theirs
        ours = {"phone_number_id": self._event.phone_number_id, "priority": "reply"}
        request = read_send_request({**ours, **given, "mode": "queued"}, self._services.region)
        is_to_them = bool(theirs) and all(getattr(request, name) == value for name, value in theirs.items())
        if is_to_them and not self._may_talk_over and self._services.hand_over.with_a_person(self._event):
            raise WrongState("A person answers the contact now.")
        return request

    def show(self, told: Json, *, typing: bool) -> None:
        """Show that a message was read, or that an answer is being written."""
        message_id = told.get("message_id") or self._event.message_id
        if not isinstance(message_id, str):
            raise NotFound("The event is about no message; name one.")
        self._services.mark_read(message_id, None, typing=typing)

    def download(self, told: Json) -> str:
        """The beginning of a file, in base64; "" where it is empty. The rest comes by `download_more`."""
        content = self._data.get("content")
        media_id = told.get("media_id") or (content.get("media_id") if isinstance(content, dict) else None)
        if not isinstance(media_id, str):
            raise NotFound("The event is about no file; name one by Meta's id.")
        number = self._event.phone_number_id
        self._file = iter(self._services.files.download(media_id, Query({}, numbers=(number,) if number else None)))
        return self.download_more()

    def download_more(self) -> str:
        """The next part of the file; "" at its end."""
        part = b""
        while len(part) < PART_BYTES and (piece := next(self._file, b"")):
            part += piece
        return base64.b64encode(part).decode()

    def hand_over(self) -> None:
        """Give the contact to a person. What the handler still says in this call is its last word, and is sent."""
        if self._event.contact_id is None:
            raise NotFound("The event is about no contact.")
        self._services.hand_over(self._event.contact_id, HandledBy.HUMAN, self._event.phone_number_id)
        self._may_talk_over = True
