"""Read a request's JSON into an `OutboundRequest`, or report all problems."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from marshmallow import ValidationError

from app.domain.addresses import is_user_id
from app.domain.outbound import Mode, OutboundRequest, Priority
from app.domain.phone_numbers import NotANumber, NotInAnyPlan, to_e164
from app.errors import Invalid, Malformed
from app.schemas.send.base import MetaDecides, advise, flatten
from app.schemas.send.request import CHECKED, CONTENT_TYPES, NEVER_PASSED, OPTIONS, UNCHECKED
from app.schemas.send.short_form import expand, restore_names

Json = dict[str, Any]
Problems = dict[str, list[str]]

GROUP_TYPES = ("text", "image", "video", "audio", "document", "sticker", "template", "pin")


def read_lenient_request(data: Json, default_region: str | None) -> OutboundRequest:
    """Read a body that was written for Meta. Unknown fields and values do not refuse it, since Meta may know them.

    Such a message is passed on unchecked, as with `raw`, with a warning for each of them. Raises `Malformed` and
    `Invalid`, as `read_send_request` does.
    """
    try:
        return read_send_request(data, default_region)
    except Invalid as error:
        doubts = error.fields or {}
        if error.hidden or not all(isinstance(text, MetaDecides) for texts in doubts.values() for text in texts):
            raise
    request = read_send_request({**data, "raw": True}, default_region)
    told = [f"{path}: {text}; it was passed on unchecked" for path, texts in doubts.items() for text in texts]
    return replace(request, warnings=[*request.warnings, *told])


def read_send_request(data: Any, default_region: str | None) -> OutboundRequest:
    """Read the body of a send.

    Raises `Malformed` if it is not an object, and `Invalid` with all problems in `fields`, by dotted path: values that
    cannot be read, and those that Meta certainly refuses. Those that Meta may refuse give `warnings` in the result.
    `default_region` is the country of phone numbers without a country code; None refuses such numbers.
    """
    if not isinstance(data, dict):
        raise Malformed()
    given = {name: value for name, value in data.items() if value is not None}
    problems: Problems = {}
    written = expand(given, problems)
    type_ = _read_type(written, problems)
    loaded = _load(written, type_, problems)
    address = _read_address(written, default_region, problems)
    if problems:
        raise Invalid(fields=restore_names(problems, given))
    return _request(type_, loaded, address)


def _read_type(written: Json, problems: Problems) -> str:
    present = [name for name in CONTENT_TYPES if name in written]
    type_ = written.get("type", present[0] if len(present) == 1 else None)
    raw = written.get("raw") is True
    if not isinstance(type_, str) or not type_:
        problems["type"] = [f"is required: one of {', '.join(CONTENT_TYPES)}; or write `message` for a plain text"]
        return ""
    if type_ in NEVER_PASSED or type_ in UNCHECKED.fields:
        problems["type"] = ["is the name of a field, and no type of message"]
        return ""
    if type_ not in CONTENT_TYPES and not raw:
        known = ", ".join(CONTENT_TYPES)
        problems["type"] = [MetaDecides(f"is not a type we know ({known}); with `raw`: true it is sent unchecked")]
    elif type_ not in written:
        problems[type_] = [f"is required where `type` is {type_}"]
    for other in present:
        if other != type_ and not raw:
            problems[other] = [f"does not go with `type` {type_}; leave one out"]
    return type_


def _load(written: Json, type_: str, problems: Problems) -> Json:
    schema = UNCHECKED if written.get("raw") is True else CHECKED
    named = {*problems, type_} if "type" in problems else set(problems)  # these have a better message already
    try:
        loaded: Json = schema.load({name: value for name, value in written.items() if name not in named})
    except ValidationError as err:
        problems.update(flatten(err.messages))
        return {}
    return loaded


def _read_address(written: Json, default_region: str | None, problems: Problems) -> Json:
    to, recipient, group_id = (written.get(name) for name in ("to", "recipient", "group_id"))
    if written.get("recipient_type") == "group" and group_id is None:
        to, group_id = None, to
    if group_id is not None:
        if to is not None or recipient is not None:
            problems["group_id"] = ["goes alone: leave out `to` and `recipient`"]
        return {"group_id": group_id}
    if isinstance(to, str) and is_user_id(to):
        return {"recipient": to}
    if to is not None:
        return _read_number(to, default_region, problems)
    if recipient is None:
        problems["to"] = ["is required: a phone number with + and country code; or write `recipient` or `group_id`"]
    return {"recipient": recipient}


def _read_number(to: Any, default_region: str | None, problems: Problems) -> Json:
    if not isinstance(to, str):
        return {"to": None}  # the schema reports this problem
    try:
        return {"to": to_e164(to, default_region)}
    except NotInAnyPlan as unusual:
        return {"to": unusual.e164, "only_if_known": True}
    except NotANumber as err:
        problems["to"] = [str(err)]
        return {"to": None}


def _request(type_: str, loaded: Json, address: Json) -> OutboundRequest:
    raw = loaded.get("raw", False)
    ours = {*UNCHECKED.fields, *CONTENT_TYPES, *NEVER_PASSED}
    others = [name for name in loaded if name not in ours] if raw else []
    return OutboundRequest(
        type=type_,
        content=loaded[type_],
        **address,
        phone_number_id=loaded.get("phone_number_id"),
        reply_to=loaded.get("reply_to") or loaded.get("context", {}).get("message_id"),
        mode=Mode(loaded.get("mode", Mode.QUEUED if "send_at" in loaded else Mode.SYNC)),
        send_at=_utc(loaded.get("send_at")),
        expires_at=_utc(loaded.get("expires_at")),
        priority=Priority(loaded.get("priority", Priority.NORMAL)),
        callback_data=loaded.get("callback_data") or loaded.get("biz_opaque_callback_data"),
        force=loaded.get("force", False),
        raw=raw,
        options={name: loaded[name] for name in (*OPTIONS, *others) if name in loaded and name != type_},
        warnings=list(_warnings(type_, loaded, address)),
    )


def _warnings(type_: str, loaded: Json, address: Json) -> Iterator[str]:
    if "to" in address and "recipient" in loaded:
        yield "recipient: is left out, since `to` is given"
    if type_ == "reaction" and ("reply_to" in loaded or "context" in loaded):
        yield "reply_to: is left out, since a reaction names its message itself"
    if "group_id" in address and type_ not in GROUP_TYPES:
        yield "type: Meta documents only text, media, templates and pins for groups"
    if "group_id" not in address and type_ == "pin":
        yield "type: Meta documents pins for groups only"
    if type_ in CHECKED.fields and not loaded.get("raw"):
        yield from advise(CHECKED.fields[type_], loaded[type_], type_)


def _utc(moment: datetime | None) -> datetime | None:
    return moment.astimezone(UTC) if moment else None
