"""One schema per type of send, with the content of that type only, for the API's description.

`SendMessageRequest` checks all requests, because one schema reports all problems at once. The schemas here are built
from its fields, so that tools which read the description get the exact body of each type.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from marshmallow import INCLUDE, Schema, fields, validate

from app.schemas.send.base import MetaObject
from app.schemas.send.request import CONTENT_TYPES, Contents, SendMessageRequest
from app.schemas.send.short_form import ShortTemplate
from app.schemas.send.texts import Text, Word
from app.schemas.send.values import Flag
from app.schemas.unions import Union

SHORT = ("message", "image_url", "buttons")
ADDRESS = ("to", "recipient", "group_id")
METAS_OWN = ("recipient_type", "context", "biz_opaque_callback_data", "recipient_identity_key_hash")
"""Fields of a send that Meta's own body also has."""

_FIELDS: Mapping[str, Any] = SendMessageRequest._declared_fields
_OPTIONS = [name for name in _FIELDS if name not in (*CONTENT_TYPES, *SHORT, *ADDRESS, "type", "raw")]
_KEY = fields.String(
    validate=validate.Length(1, 255), metadata={"description": "An `Idempotency-Key` for this message alone."}
)


def _copy(name: str, *, required: bool = False) -> Any:
    field = copy.copy(_FIELDS[name])
    field.required = required
    return field


def _made(name: str, documentation: str, declared: Mapping[str, Any], base: type[Schema] = MetaObject) -> type[Schema]:
    return type(name, (base,), {**declared, "__doc__": documentation, "__module__": __name__})


def _word(kind: str) -> Word:
    return Word(kind, required=True)


def _kinds(prefix: str, beside: Mapping[str, Any], base: type[Schema] = MetaObject) -> dict[str, type[Schema]]:
    """Return a schema for each type of message: its required content, and the fields `beside` it."""
    found = {}
    for kind in Contents().fields:
        content = {"type": _word(kind), kind: _copy(kind, required=True)}
        doc = f"A message of the type `{kind}`."
        found[kind] = _made(f"{prefix}{kind.title()}", doc, {**content, **beside}, base)
    return found


def _address() -> dict[str, Any]:
    return {name: _copy(name) for name in ADDRESS}


def _options() -> dict[str, Any]:
    return {name: _copy(name) for name in _OPTIONS}


class _Open(MetaObject):
    class Meta(MetaObject.Meta):
        unknown = INCLUDE


def _short(name: str, beside: Mapping[str, Any]) -> tuple[type[Schema], type[Schema]]:
    """Return the schemas of the short form and of the short template, which their required fields distinguish."""
    words = {each: _copy(each, required=each == "message") for each in SHORT}
    template = fields.Nested(ShortTemplate, required=True)
    return (
        _made(f"Short{name}", "A text; with `image_url` an image, with `buttons` their titles.", {**words, **beside}),
        _made(f"ShortTemplate{name}", "An approved template, in short.", {"template": template, **beside}),
    )


def _raw(prefix: str, beside: Mapping[str, Any]) -> type[Schema]:
    declared = {
        "type": Text(required=True),
        "raw": Flag(required=True, validate=validate.OneOf([True])),
        **beside,
    }
    return _made(f"{prefix}Raw", "A message of any type, which is passed on to Meta unchecked.", declared, _Open)


def _send(name: str, prefix: str, description: str, more: Mapping[str, Any]) -> Union:
    beside = {**_address(), **_options(), **more}
    short = _short(name.removeprefix("Send"), {"to": _copy("to", required=True), **_options(), **more})
    return Union(name, description, _kinds(prefix, beside), (*short, _raw(prefix, beside)))


SEND = _send("SendMessage", "Send", "A message to send: in full, in short, or unchecked.", {})
BULK_ROW = _send("BulkMessage", "Bulk", "A message of many, each as a send of its own.", {"idempotency_key": _KEY})
REPLY = Union(
    "Reply",
    "A message to whoever wrote: a send without its address.",
    _kinds("Reply", _options()),
    (*_short("Reply", _options()), _raw("Reply", _options())),
)
ASSISTANT_SEND = _made(
    "BriefMessage",
    "A text, an image, a text with buttons, or a template.",
    {name: _copy(name, required=name == "to") for name in ("to", "message", "image_url", "buttons")}
    | {"template": fields.Nested(ShortTemplate)},
)


class TypingIndicator(_Open):
    """That an answer is being written."""

    type = Word("text")


class GraphReadReceipt(_Open):
    """That a message was read; with `typing_indicator`, that an answer is being written, too."""

    messaging_product = _word("whatsapp")
    status = _word("read")
    message_id = Text(required=True)
    typing_indicator = fields.Nested(TypingIndicator)


_GRAPH: dict[str, Any] = {
    "messaging_product": _word("whatsapp"),
    **{name: _copy(name) for name in METAS_OWN},
}
GRAPH_MESSAGE = Union(
    "GraphMessage",
    "A message as Meta documents it, or that one was read.",
    _kinds("Graph", {"to": _copy("to"), "recipient": _copy("recipient"), **_GRAPH}, _Open),
    (GraphReadReceipt,),
)
