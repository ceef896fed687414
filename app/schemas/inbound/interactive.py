"""Answers of customers to interactive messages and templates: buttons, lists, forms, call permissions.

Meta sends a quick reply of a template as `button`, and a reply button of a free-form message as
`interactive.button_reply`. Both mean the same, so both become the type `button`.
"""

from __future__ import annotations

from typing import Any

from app.clean_json import decode
from app.errors import Malformed
from app.schemas.base import MetaSchema
from app.schemas.inbound.content import Content, ContentParser, keep_as_given
from app.schemas.lenient import Text, as_object, as_text


class TemplateButton(MetaSchema):
    """Meta: webhooks/reference/messages/button."""

    id = Text(data_key="payload")
    title = Text(data_key="text")


class Choice(MetaSchema):
    """The `button_reply` and `list_reply` of Meta: webhooks/reference/messages/interactive."""

    id = Text()
    title = Text()
    description = Text()


class FilledForm(MetaSchema):
    """The `nfm_reply` of a flow or an address message. `response_json` is JSON inside a string."""

    name = Text()


_TEMPLATE_BUTTON = TemplateButton()
_CHOICE = Choice()
_FORM = FilledForm()


def parse_button(message_type: str, value: Any) -> Content:
    """Parse a quick reply of a template."""
    content = {**_TEMPLATE_BUTTON.read(value), "description": None}
    return Content("button", _title(content, "button"), content)


def parse_interactive(message_type: str, value: Any) -> Content:
    """Parse an answer to an interactive message. An unknown kind gets the type `interactive` and Meta's JSON."""
    answer = as_object(value)
    kind = as_text(answer.get("type"))
    if kind is None:
        kind = next((name for name in INTERACTIVE if name in answer), "")
    reader = INTERACTIVE.get(kind)
    inner = answer.get(kind)
    if reader is None or not isinstance(inner, dict):
        return keep_as_given(message_type, value)
    return reader(kind, inner)


def _parse_button_reply(kind: str, value: Any) -> Content:
    content = _CHOICE.read(value)
    return Content("button", _title(content, "button"), content)


def _parse_list_reply(kind: str, value: Any) -> Content:
    content = _CHOICE.read(value)
    return Content("list_reply", _title(content, "list_reply"), content)


def _parse_form(kind: str, value: Any) -> Content:
    content = _FORM.read(value)
    content["response"] = _parsed(content.pop("response_json", None))
    return Content("form", f"[form] {content['name'] or ''}".rstrip(), content)


def _parse_call_permission(kind: str, value: Any) -> Content:
    return keep_as_given("call_permission", value)


def _parsed(response: Any) -> Any:
    """Return the parsed JSON of the form's string, or the value itself if it is not JSON."""
    if not isinstance(response, str):
        return response
    try:
        return decode(response.encode(errors="replace"))
    except Malformed:
        return response


def _title(content: dict[str, Any], name: str) -> str:
    title = content["title"]
    return title if isinstance(title, str) and title else f"[{name}]"


INTERACTIVE: dict[str, ContentParser] = {
    "button_reply": _parse_button_reply,
    "list_reply": _parse_list_reply,
    "nfm_reply": _parse_form,
    "call_permission_reply": _parse_call_permission,
}
"""Parsers by `interactive.type`."""
