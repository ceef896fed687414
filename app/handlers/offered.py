"""The interface for the user's module: `on` registers handlers, and `client` lets them act.

Runs in the handler process and imports the standard library only.
"""

from __future__ import annotations

import base64
import inspect
import re
from collections.abc import Callable
from typing import Any

from app.process.ipc import Json

PART_BYTES = 256 * 1024
"""How many bytes of a file one request to the gateway holds."""

MAX_AGE = 900
"""Events older than this (in seconds) are not handled by default: a late answer may be worse than none."""


class Error(Exception):
    """The gateway refused a handler's request. The attributes are the fields of the API's errors."""

    def __init__(self, error: Json) -> None:
        super().__init__(f"{error.get('code')}: {error.get('message')} {error.get('fields') or ''}".rstrip())
        self.code: str = error.get("code", "internal")
        self.message: str = error.get("message", "")
        self.retryable: bool = error.get("retryable", False)
        self.fields: Json = error.get("fields") or {}
        self.meta: Json = error.get("meta") or {}


class Mistake(TypeError):
    """A registration that cannot work. Its message contains names, and no values."""


class On:
    """The argument of the user's `register(on)`."""

    def __init__(self) -> None:
        self.handlers: dict[str, tuple[Callable[[Any, Any], Any], bool]] = {}
        self.told: list[Json] = []

    def message(self, function: Any = None, *, type: Any = None, max_age: Any = MAX_AGE, name: Any = None) -> Any:
        """`@on.message`, or `@on.message(type="text")`: called with a message that a customer wrote just now."""
        wants = {"types": ["message.received"], "message_types": _words("type", type)}
        return self._decorator(function, wants, max_age, name)

    def status(self, function: Any = None, *, status: Any = None, max_age: Any = MAX_AGE, name: Any = None) -> Any:
        """`@on.status`, or `@on.status(status="failed")`: called with a message of ours and what Meta reports of it."""
        wants = {"types": ["message.status"], "statuses": _words("status", status)}
        return self._decorator(function, wants, max_age, name)

    def event(self, *types: Any, max_age: Any = MAX_AGE, name: Any = None) -> Any:
        """`@on.event("account.*")`: called with the whole event."""
        if not types or not all(isinstance(each, str) for each in types):
            raise Mistake('on.event takes types of events, as in @on.event("account.*")')
        wants = {"types": None if "*" in types else list(types)}
        return self._decorator(None, wants, max_age, name, whole=True)

    def _decorator(self, function: Any, wants: Json, max_age: Any, name: Any, whole: bool = False) -> Any:
        if max_age is not None and (isinstance(max_age, bool) or not isinstance(max_age, int) or max_age < 1):
            raise Mistake("max_age is a whole number of seconds, or None for no limit")

        def decorate(function: Any) -> Any:
            called = f"{function.__module__}:{name or getattr(function, '__name__', '')}"
            _check(called, function)
            if called in self.handlers:
                raise Mistake(f"two handlers are called {called}; give one of them another name=")
            self.handlers[called] = (function, whole)
            blank = {"types": None, "message_types": None, "statuses": None}
            self.told.append(blank | wants | {"name": called, "max_age_seconds": max_age})
            return function

        return decorate if function is None else decorate(function)


def _words(what: str, given: Any) -> list[str] | None:
    if given is None:
        return None
    words = [given] if isinstance(given, str) else list(given) if isinstance(given, list | tuple | set) else []
    if not words or not all(isinstance(each, str) for each in words):
        raise Mistake(f"{what} is a word, or a list of words")
    return words


def _check(called: str, function: Any) -> None:
    if not re.fullmatch(r"[\w.]{1,100}:[\w.-]{1,100}", called):
        raise Mistake("a handler needs a name of letters, digits, dots and dashes; give it one with name=")
    if inspect.iscoroutinefunction(function):
        raise Mistake(f"{called} is async; a handler is a plain function (it may call asyncio.run)")
    try:
        inspect.signature(function).bind(None, None)
    except TypeError:
        raise Mistake(f"{called} must take two arguments: the message and the client") from None


class Client:
    """The second argument of a handler; it can be used until the handler returns.

    Each method sends a request to the gateway and waits for the answer; it raises `client.Error`. `event` is the whole
    event, and `is_replay` says whether a person asked for this replay.
    """

    Error = Error

    def __init__(self, ask: Callable[..., Any], event: Json, is_replay: bool) -> None:
        self._ask = ask
        self._sends = 1
        self.event = event
        self.is_replay = is_replay

    def reply(self, text: str, **more: Any) -> Json:
        """Send a text to the contact or group that the event is about."""
        return self.send({"type": "text", "text": {"body": text}, **more})

    def send_text_message(self, to: str, message: str, **more: Any) -> Json:
        """Send a text."""
        return self.send({"to": to, "type": "text", "text": {"body": message}, **more})

    def send_image_message(self, to: str, image_url: str, caption: str | None = None, **more: Any) -> Json:
        """Send an image that Meta fetches from a public URL."""
        image = {"link": image_url} | ({"caption": caption} if caption else {})
        return self.send({"to": to, "type": "image", "image": image, **more})

    def send(self, body: Json) -> Json:
        """Queue any message that `POST /send/whatsapp` accepts, and return the API's response.

        Without an address the message goes to the contact or group that the event is about, without a
        `phone_number_id` from the event's number. If the call is repeated, its n-th send is not sent twice.
        """
        answer: Json = self._ask("send", n=self._sends, body=body)
        self._sends += 1  # not counted after an error, so that the next attempt is for the same message
        return answer

    def mark_read(self, message_id: str | None = None) -> None:
        """Mark a message as read: the event's message, or the one with this id."""
        self._ask("mark_read", message_id=message_id)

    def show_typing(self, message_id: str | None = None) -> None:
        """Show the customer the typing indicator for at most 25 seconds. Also marks the message as read."""
        self._ask("show_typing", message_id=message_id)

    def download(self, media_id: str | None = None) -> bytes:
        """Return the bytes of the event's file, or of the one with this `media_id`, ours or Meta's."""
        part = self._ask("download", media_id=media_id)
        whole = bytearray()
        while part:
            whole += base64.b64decode(part)
            part = self._ask("download_more")
        return bytes(whole)

    def upload(self, content: bytes, filename: str | None = None, type: str | None = None) -> str:
        """Upload a file and return its id, which stands in a send where Meta's would: `{"image": {"id": …}}`.

        `type` is what it is to be sent as (`image`, `sticker`, `video`, `audio`, `voice`, `document`): then a file that
        Meta would not take is refused now.
        """
        for start in range(0, len(content), PART_BYTES):
            part = base64.b64encode(content[start : start + PART_BYTES]).decode()
            self._ask("upload_part", part=part, is_first=start == 0)
        answer: str = self._ask("upload", filename=filename, type=type)
        return answer

    def handover(self) -> None:
        """Hand the event's contact over to a person: no bot is called for it until it is given back."""
        self._ask("handover")
