"""The actions that a Python handler may ask for during a call: send, mark read, show typing, download, hand over."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

from app.domain.handover import HandledBy
from app.domain.outbound import OutboundRequest
from app.errors import Invalid, Malformed, NotFound, WrongState
from app.handlers.process import Action
from app.schemas.json_text import check_json
from app.schemas.send import SendMessageResponse, read_send_request
from app.services.contacts import HandOver
from app.services.delivering.handler_uploads import HandlerUpload
from app.services.delivering.reply_address import ADDRESSES, address_of
from app.services.delivering.types import DeliveryBatch
from app.services.idempotency import Retry
from app.services.media import ReadMedia
from app.services.messages import MarkRead
from app.services.outbound_media import UploadMedia
from app.services.sending import SendMessage
from app.store.events import StoredEvent

KEYS_KEPT_FOR = timedelta(days=30)
"""How long idempotency keys of handlers are kept: longer than the automatic retries of a delivery, and long enough for
most manual ones."""

PART_BYTES = 256 * 1024
"""How many bytes of a file one frame to the handler's process holds."""

Json = dict[str, Any]

_RESPONSE = SendMessageResponse()


class HandlerActions:
    """The services behind the `client` argument of handlers. `region` is the default region of phone numbers."""

    def __init__(
        self, send: SendMessage, mark_read: MarkRead, hand_over: HandOver, files: ReadMedia, uploads: UploadMedia,
        region: str | None,
    ) -> None:  # fmt: skip
        self.send = send
        self.mark_read = mark_read
        self.hand_over = hand_over
        self.files = files
        self.uploads = uploads
        self.region = region

    def of(self, batch: DeliveryBatch, event: StoredEvent) -> Action:
        """Return the function that carries out what the handler asks for during one call.

        The function accepts the frame of the handler process and returns a JSON value. It raises `GatewayError`.
        """
        call = _Call(self, batch, event)
        actions: dict[str, Callable[[Json], object]] = {
            "send": call.send,
            "mark_read": lambda frame: call.show(frame, typing=False),
            "show_typing": lambda frame: call.show(frame, typing=True),
            "handover": lambda frame: call.hand_over(),
            "download": call.download,
            "download_more": lambda frame: call.download_more(),
            "upload_part": call.upload.add,
            "upload": lambda frame: call.upload.finish(frame, event.phone_number_id),
        }

        def carry_out(frame: Json) -> object:
            action = actions.get(str(frame.get("what")))
            if action is None:
                raise Malformed("There is no such thing to ask for.")
            return action(frame)

        return carry_out


class _Call:
    """One call of one handler."""

    def __init__(self, services: HandlerActions, batch: DeliveryBatch, event: StoredEvent) -> None:
        self._services = services
        self._batch = batch
        self._event = event
        self._data: Json = json.loads(event.data)
        self._may_send_despite_handover = batch.claim.is_replay
        self._file: Iterator[bytes] = iter(())
        self.upload = HandlerUpload(services.uploads)

    def send(self, frame: Json) -> object:
        """Queue a message and return the API's response.

        The idempotency key is made of the event, the handler and the index of the send within the call, so a repeated
        call sends nothing twice.
        """
        body, index = check_json(frame.get("body")), frame.get("n")
        if not isinstance(body, dict) or not isinstance(index, int):
            raise Malformed
        request = self._request(body)
        key = f"{self._event.id}:{self._batch.endpoint.url}:{index}"
        request = replace(request, sent_by=f"endpoint:{self._batch.endpoint.id}")
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
        address = address_of(self._event.type, self._data)
        given = {name: value for name, value in body.items() if value is not None}
        if not given.keys() & set(ADDRESSES):
            given |= address
        defaults = {"phone_number_id": self._event.phone_number_id, "priority": "reply"}
        request = read_send_request({**defaults, **given, "mode": "queued"}, self._services.region)
        is_reply = bool(address) and all(getattr(request, name) == value for name, value in address.items())
        if is_reply and not self._may_send_despite_handover and self._services.hand_over.with_a_person(self._event):
            raise WrongState("A person answers the contact now.")
        return request

    def show(self, frame: Json, *, typing: bool) -> None:
        """Mark a message read; with `typing` also show the typing indicator. Default is the event's message."""
        message_id = frame.get("message_id") or self._event.message_id
        if not isinstance(message_id, str):
            raise NotFound("The event is about no message; name one.")
        self._services.mark_read(message_id, None, typing=typing)

    def download(self, frame: Json) -> str:
        """Open a file and return its first part in base64, "" for an empty file. `download_more` returns the rest."""
        content = self._data.get("content")
        media_id = frame.get("media_id") or (content.get("media_id") if isinstance(content, dict) else None)
        if not isinstance(media_id, str):
            raise NotFound("The event is about no file; name one by its `media_id`.")
        number = self._event.phone_number_id
        found = self._services.files.find(media_id, (number,) if number else None)
        self._file = self._services.files.open_anywhere(found)
        return self.download_more()

    def download_more(self) -> str:
        """Return the next part of the open file in base64, "" at its end."""
        part = b""
        while len(part) < PART_BYTES and (piece := next(self._file, b"")):
            part += piece
        return base64.b64encode(part).decode()

    def hand_over(self) -> None:
        """Hand the contact over to a person. Messages that the handler still sends in this call are sent."""
        if self._event.contact_id is None:
            raise NotFound("The event is about no contact.")
        self._services.hand_over(self._event.contact_id, HandledBy.HUMAN, self._event.phone_number_id)
        self._may_send_despite_handover = True
