"""What Graph accepts when a template is created or edited (Meta: templates/*)."""

from __future__ import annotations

from typing import Any

from simulator.graph.errors import GraphRefusal, invalid, missing
from simulator.graph.rules import (
    Rule,
    anything,
    array,
    by_type,
    choice,
    every,
    flag,
    free_object,
    integer,
    structure,
    text,
)
from simulator.graph.templates.store import part, variables

_LINK = text(2000, pattern=r"https?://\S+")
_FORMATS = ("TEXT", "IMAGE", "VIDEO", "DOCUMENT", "LOCATION", "PRODUCT", "GIF")


def _button(required: dict[str, Rule] | None = None, optional: dict[str, Rule] | None = None) -> Rule:
    return structure({"type": anything, **(required or {})}, optional)


_LABEL = text(25)
_BUTTONS = {
    "QUICK_REPLY": _button({"text": _LABEL}),
    "URL": _button({"text": _LABEL, "url": _LINK}, {"example": anything, "app_deep_link": free_object}),
    "PHONE_NUMBER": _button({"text": _LABEL, "phone_number": text(20)}),
    "COPY_CODE": _button(optional={"text": _LABEL, "example": anything}),
    "OTP": _button(
        {"otp_type": choice("COPY_CODE", "ONE_TAP", "ZERO_TAP")},
        {
            "text": _LABEL,
            "autofill_text": _LABEL,
            "supported_apps": array(free_object, 1, 5),
            "package_name": text(224),
            "signature_hash": text(11),
            "zero_tap_terms_accepted": flag,
        },
    ),
    "FLOW": _button(
        {"text": _LABEL},
        {
            "flow_id": anything,
            "flow_name": text(200),
            "flow_json": text(),
            "flow_action": choice("navigate", "data_exchange"),
            "navigate_screen": text(80),
            "icon": text(40),
        },
    ),
    "CATALOG": _button({"text": _LABEL}),
    "MPM": _button({"text": _LABEL}),
    "SPM": _button({"text": _LABEL}),
    "VOICE_CALL": _button({"text": _LABEL}, {"ttl_minutes": integer(1440, 43200)}),
    "REQUEST_CONTACT_INFO": _button(optional={"text": _LABEL}),
}
_SIMPLE: dict[str, Rule] = {
    "HEADER": structure({"type": anything, "format": choice(*_FORMATS)}, {"text": text(60), "example": anything}),
    "BODY": structure(
        {"type": anything}, {"text": text(1024), "example": anything, "add_security_recommendation": flag}
    ),
    "FOOTER": structure({"type": anything}, {"text": text(60), "code_expiration_minutes": integer(1, 90)}),
    "BUTTONS": structure({"type": anything, "buttons": array(by_type(_BUTTONS), 1, 10)}),
    "LIMITED_TIME_OFFER": structure({"type": anything, "limited_time_offer": free_object}),
    "CALL_PERMISSION_REQUEST": structure({"type": anything}),
}
_CARD = structure({"components": array(by_type(_SIMPLE), 1, 5)})
_COMPONENTS = array(
    by_type({**_SIMPLE, "CAROUSEL": structure({"type": anything, "cards": array(_CARD, 2, 10)})}), 1, 10
)


def _texts_make_sense(components: Any, path: str) -> None:
    body = str(part(components, "BODY").get("text", ""))
    if body.strip().startswith("{{") or body.strip().endswith("}}"):
        raise GraphRefusal(2388299, "Variables can't be at the start or end of the template.")
    for kind in ("HEADER", "BODY"):
        component = part(components, kind)
        if variables(str(component.get("text", ""))) and not component.get("example"):
            raise GraphRefusal(2388043, f"The {kind.lower()} of a message template with variables needs an example.")
    if part(components, "HEADER").get("format") == "TEXT" and not part(components, "HEADER").get("text"):
        raise missing(f"{path}['HEADER']['text']")


def _numbered_from_one(components: Any, path: str) -> None:
    found = variables(str(part(components, "BODY").get("text", "")))
    numbers = [name for name in found if name.isdigit()]
    if numbers and numbers != [str(n) for n in range(1, len(found) + 1)]:
        raise invalid(f"{path}['BODY']['text']", "must number its variables from {{1}} without gaps")


CREATION = structure(
    {
        "name": text(512, pattern="[a-z0-9_]+"),
        "language": text(15),
        "category": choice("MARKETING", "UTILITY", "AUTHENTICATION"),
        "components": every(_COMPONENTS, _texts_make_sense, _numbered_from_one),
    },
    {
        "parameter_format": choice("NAMED", "POSITIONAL", "named", "positional"),
        "allow_category_change": flag,
        "message_send_ttl_seconds": integer(-1, 2592000),
        "sub_category": text(64),
        "display_format": text(64),
        "cta_url_link_tracking_opted_out": flag,
    },
)
EDIT = structure(
    optional={
        "category": choice("MARKETING", "UTILITY", "AUTHENTICATION"),
        "components": every(_COMPONENTS, _texts_make_sense, _numbered_from_one),
        "parameter_format": choice("NAMED", "POSITIONAL", "named", "positional"),
        "message_send_ttl_seconds": integer(-1, 2592000),
        "cta_url_link_tracking_opted_out": flag,
    }
)


def upper_types(body: dict[str, Any]) -> dict[str, Any]:
    """The body with component and button types in capitals: Graph takes either case."""
    components = body.get("components")
    if not isinstance(components, list):
        return body
    return {**body, "components": [_upper(item) for item in components]}


def _upper(value: Any) -> Any:
    if isinstance(value, list):
        return [_upper(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: item.upper() if key in ("type", "format", "otp_type") and isinstance(item, str) else _upper(item)
        for key, item in value.items()
    }
