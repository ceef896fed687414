"""A message that a caller asks us to send, after validation, and its summary for lists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

Json = dict[str, Any]


class Mode(StrEnum):
    """Whether the caller waits for Graph's answer."""

    SYNC = "sync"
    QUEUED = "queued"


class Priority(StrEnum):
    """The order in which the queued messages of a number are sent, first to last."""

    REPLY = "reply"
    NORMAL = "normal"
    BULK = "bulk"

    @property
    def rank(self) -> int:
        """The position of the priority, 0 for the first, as the queue stores and orders it."""
        return list(Priority).index(self)


LATE_REPLY = "expired: reply"
"""The `details` of the error of a reply that expired in the queue."""


@dataclass(frozen=True, slots=True)
class OutboundRequest:
    """One message to send.

    Exactly one of `to` (+E.164), `recipient` (a business-scoped user id) and `group_id` is set. `content` is Meta's
    object for `type`; `options` are Meta's other top-level fields, as given. `reply_to` is our id or a wamid.
    `warnings` say what Meta may refuse; they stop no send. `is_marketing` is None as long as it is unknown.
    `sent_by` names who asks for it, as the audit log names actors. `is_answer`: somebody of the team answers, so that
    the customer waits no more. With `seen`, our id of a message in the thread, it is sent only if nobody else has
    written to the customer after that.
    `uploads` holds Meta's ids of files by what `content` names them by: our ids, or links.
    `only_if_known`: `to` is in no numbering plan, so it is accepted only if it is the wa_id of a known contact.
    """

    type: str
    content: Any
    to: str | None = None
    only_if_known: bool = False
    recipient: str | None = None
    group_id: str | None = None
    phone_number_id: str | None = None
    reply_to: str | None = None
    mode: Mode = Mode.SYNC
    send_at: datetime | None = None
    expires_at: datetime | None = None
    priority: Priority = Priority.NORMAL
    callback_data: str | None = None
    force: bool = False
    raw: bool = False
    is_marketing: bool | None = None
    sent_by: str | None = None
    is_answer: bool = False
    seen: str | None = None
    options: Json = field(default_factory=dict)
    uploads: Mapping[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def summary(type_: str, content: Any) -> str:
    """Return one line (for a text its whole body) that describes a message in a list. Never empty, never raises."""
    reader = _SUMMARIES.get(type_)
    try:
        return (reader(content) if reader else "") or f"[{type_}]"
    except (AttributeError, IndexError, KeyError, TypeError):  # the content of type `raw` may have any shape
        return f"[{type_}]"


def _text(content: Any) -> str:
    return str(content["body"])


def _caption(content: Any) -> str:
    return str(content.get("caption") or "")


def _document(content: Any) -> str:
    return _caption(content) or f"[document] {content.get('filename') or ''}".rstrip()


def _audio(content: Any) -> str:
    return "[voice]" if content.get("voice") else "[audio]"


def _location(content: Any) -> str:
    named = ", ".join(str(content[key]) for key in ("name", "address") if content.get(key))
    return f"[location] {named or str(content['latitude']) + ', ' + str(content['longitude'])}"


def _contacts(content: Any) -> str:
    return "[contacts] " + ", ".join(str(contact["name"]["formatted_name"]) for contact in content)


def _reaction(content: Any) -> str:
    return str(content.get("emoji") or "[reaction removed]")


def _interactive(content: Any) -> str:
    body = content.get("body")
    return str(body["text"]) if body else f"[{content['type']}]"


def _template(content: Any) -> str:
    values = [
        str(parameter["text"])
        for component in content.get("components") or []
        if component.get("type") == "body"
        for parameter in component.get("parameters") or []
        if isinstance(parameter, Mapping) and parameter.get("text")
    ]
    return f"[template] {content['name']}" + (f": {', '.join(values)}" if values else "")


_SUMMARIES = {
    "text": _text,
    "image": _caption,
    "video": _caption,
    "document": _document,
    "audio": _audio,
    "location": _location,
    "contacts": _contacts,
    "reaction": _reaction,
    "interactive": _interactive,
    "template": _template,
}
