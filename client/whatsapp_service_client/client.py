"""The client: every operation of the gateway's API, and what is shorter with a hand-made method."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Literal, cast

import requests

from whatsapp_service_client.bodies import SendBody
from whatsapp_service_client.events import EventStream
from whatsapp_service_client.operations import AllOperations
from whatsapp_service_client.transport import Transport, path_of
from whatsapp_service_client.types import MediaAnswer, PreflightAnswer, SendMessageResponse

URL, KEY = "GATEWAY_URL", "API_KEY"
FileType = Literal["image", "sticker", "video", "audio", "document"]


class Client(AllOperations):
    """One gateway, with one API key. Methods raise `GatewayError`. Use one client for each thread.

    A request is tried again, `retries` times, while trying may help; every write carries an `Idempotency-Key`, so that
    it is done once. `timeout` is in seconds.
    """

    def __init__(
        self,
        url: str,
        api_key: str,
        *,
        timeout: float = 60.0,
        retries: int = 3,
        session: requests.Session | None = None,
    ) -> None:
        """Raises `ValueError` for what cannot be an address or a key."""
        self.transport = Transport(url, api_key, timeout=timeout, retries=retries, session=session)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Client:
        """Return a client for `GATEWAY_URL` and `API_KEY`. Raises `KeyError` if one is not set."""
        return cls(environ[URL], environ[KEY])

    def __enter__(self) -> Client:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections that are kept open."""
        self.transport.close()

    def send_message(
        self, body: SendBody | Mapping[str, Any], *, idempotency_key: str | None = None
    ) -> SendMessageResponse:
        """Send a message. Its `status` is `accepted`, `queued`, or `unknown` when Meta's answer never came.

        Give the same `idempotency_key` for the same message, also after a restart, and it is sent once.
        """
        answer = self.transport.json("POST", "/send/whatsapp", body=body, idempotency_key=idempotency_key)
        return cast(SendMessageResponse, answer)

    def check_send(self, body: SendBody | Mapping[str, Any]) -> PreflightAnswer:
        """Say whether a send would succeed now, in `ok`, and if not, why, in `problems`. Nothing is sent."""
        return cast(PreflightAnswer, self.transport.json("POST", "/api/preflight", body=body))

    def send_text(
        self, to: str, message: str, *, idempotency_key: str | None = None, **more: Any
    ) -> SendMessageResponse:
        """Send a text. `more` is any other key of a send: `reply_to`, `mode`, `send_at`, …"""
        return self.send_message({"to": to, "message": message, **more}, idempotency_key=idempotency_key)

    def send_image(
        self, to: str, image_url: str, caption: str | None = None, *, idempotency_key: str | None = None, **more: Any
    ) -> SendMessageResponse:
        """Send the image at an address."""
        image = {"link": image_url} | ({"caption": caption} if caption else {})
        return self.send_message({"to": to, "type": "image", "image": image, **more}, idempotency_key=idempotency_key)

    def send_file(
        self,
        to: str,
        kind: FileType,
        media_id: str,
        caption: str | None = None,
        *,
        idempotency_key: str | None = None,
        **more: Any,
    ) -> SendMessageResponse:
        """Send a file that `upload_file` returned the `id` of."""
        file = {"id": media_id} | ({"caption": caption} if caption else {})
        return self.send_message({"to": to, "type": kind, kind: file, **more}, idempotency_key=idempotency_key)

    def send_template(
        self,
        to: str,
        name: str,
        language: str,
        parameters: list[str] | Mapping[str, str] | None = None,
        *,
        idempotency_key: str | None = None,
        **more: Any,
    ) -> SendMessageResponse:
        """Send a template. `parameters` fill its body: in order, or by name. `send_message` can fill the rest, too."""
        filled: list[dict[str, str]] = []
        if isinstance(parameters, Mapping):
            filled = [{"type": "text", "parameter_name": key, "text": text} for key, text in parameters.items()]
        elif parameters:
            filled = [{"type": "text", "text": text} for text in parameters]
        template: dict[str, Any] = {"name": name, "language": {"code": language}}
        if filled:
            template["components"] = [{"type": "body", "parameters": filled}]
        body = {"to": to, "type": "template", "template": template, **more}
        return self.send_message(body, idempotency_key=idempotency_key)

    def answer_conversation(
        self,
        conversation_id: str,
        body: SendBody | Mapping[str, Any],
        *,
        seen: str | None = None,
        anyway: bool = False,
        idempotency_key: str | None = None,
    ) -> SendMessageResponse:
        """Answer in a conversation: a send without an address. A person has the contact from then on.

        With `seen`, the newest message that you saw, it raises `Conflict` if others wrote since, unless `anyway`.
        """
        more: dict[str, Any] = ({"seen": seen} if seen is not None else {}) | ({"anyway": True} if anyway else {})
        path = path_of("/api/conversations/{conversation_id}/messages", conversation_id=conversation_id)
        answer = self.transport.json("POST", path, body={**body, **more}, idempotency_key=idempotency_key)
        return cast(SendMessageResponse, answer)

    def upload_file(
        self,
        file: IO[bytes] | bytes | str | os.PathLike[str],
        *,
        filename: str | None = None,
        type: FileType | None = None,
        phone_number_id: str | None = None,
        content_type: str = "application/octet-stream",
        idempotency_key: str | None = None,
    ) -> MediaAnswer:
        """Upload a file to send, at most 100 MB: a path, bytes, or an open file. Its `id` stands in sends.

        It is not tried again by itself. With `type`, what Meta would not take as that type is refused now.
        """
        if isinstance(file, str | os.PathLike):
            with open(file, "rb") as opened:
                return self.upload_file(
                    opened, filename=filename or Path(file).name, type=type, phone_number_id=phone_number_id,
                    content_type=content_type, idempotency_key=idempotency_key,
                )  # fmt: skip
        query = {"filename": filename, "type": type, "phone_number_id": phone_number_id}
        answer = self.transport.send(
            "POST", "/api/media", query=query, idempotency_key=idempotency_key, data=file,
            headers={"Content-Type": content_type},
        )  # fmt: skip
        with answer:
            return cast(MediaAnswer, json.loads(answer.content))

    def events(
        self, after: str = "newest", *, type: str | None = None, wait: int = 25, limit: int = 100,
        until_empty: bool = False,
    ) -> EventStream:  # fmt: skip
        """Follow events from a cursor on: `newest`, `0` for the beginning, or the `cursor` of an earlier stream.

        A request waits for at most `wait` seconds (25 is most). With `until_empty` it ends when there is no more.
        """
        return EventStream(self.transport, after=after, type=type, wait=wait, limit=limit, until_empty=until_empty)
