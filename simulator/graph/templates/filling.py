"""Holding a template message against its template, and showing it as the customer reads it.

Source: Meta: templates/* and the 132xxx rows of support/error-codes.
"""

from __future__ import annotations

import re
from typing import Any

from simulator.graph.errors import GraphRefusal
from simulator.graph.templates.store import Template, fill, part, variables

_LONGEST_BODY = 1024
_LONGEST_CODE = 15
_NOT_IN_TEXT = re.compile(r"[\n\t]| {5,}")
_STANDINGS = {"PAUSED": 132015, "DISABLED": 132016}
_BUTTON_KINDS = {"QUICK_REPLY": "quick_reply", "COPY_CODE": "copy_code", "OTP": "url", "VOICE_CALL": "voice_call"}


def fill_template(template: Template | None, content: dict[str, Any]) -> dict[str, Any]:
    """Check a message's parameters against the template; return its header, body, footer and buttons filled in.

    Raises `GraphRefusal` with Meta's 132xxx codes.
    """
    if template is None or template.status not in ("APPROVED", *_STANDINGS):
        raise GraphRefusal(132001, f"template name ({content['name']}) does not exist in the language given")
    if template.status in _STANDINGS:
        raise GraphRefusal(_STANDINGS[template.status], "Template cannot be sent")
    if template.category == "AUTHENTICATION":
        template = _with_code(template)
    given = content.get("components") or []
    shown = _fill_parts(template, template.components, given)
    shown["cards"] = _fill_cards(template, given)
    return shown


def _with_code(template: Template) -> Template:
    """Meta writes the text of an authentication template itself: the code, and a sentence around it."""
    components = [
        {**item, "text": "*{{1}}* is your verification code."} if item["type"] == "BODY" else item
        for item in template.components
    ]
    return Template(template.id, template.waba_id, template.name, template.language, template.category, components)


def _fill_parts(template: Template, components: list[dict[str, Any]], given: list[dict[str, Any]]) -> dict[str, Any]:
    body = part(components, "BODY").get("text", "")
    filled = fill(body, _values(template, "body", body, given))
    if len(filled) > _LONGEST_BODY:
        raise GraphRefusal(132005, "Translated text too long")
    return {
        "header": _fill_header(template, part(components, "HEADER"), given),
        "body": filled,
        "footer": part(components, "FOOTER").get("text"),
        "buttons": _fill_buttons(template, part(components, "BUTTONS").get("buttons", []), given),
    }


def _fill_header(template: Template, header: dict[str, Any], given: list[dict[str, Any]]) -> dict[str, Any] | None:
    wanted = str(header.get("format", "TEXT")).lower()
    if not header or wanted == "text":
        text = header.get("text", "")
        return {"type": "text", "text": fill(text, _values(template, "header", text, given))} if header else None
    parameters = _parameters(given, "header")
    if len(parameters) != 1:
        raise _count_mismatch("header", len(parameters), 1)
    if parameters[0]["type"] != wanted:
        received = parameters[0]["type"].upper()
        raise GraphRefusal(132012, f"header: Format mismatch, expected {wanted.upper()}, received {received}")
    return dict(parameters[0])


def _values(template: Template, name: str, text: str, given: list[dict[str, Any]]) -> dict[str, str]:
    wanted, parameters = variables(text), _parameters(given, name)
    if len(wanted) != len(parameters):
        raise _count_mismatch(name, len(parameters), len(wanted))
    named = template.parameter_format.upper() == "NAMED"
    values = {}
    for position, parameter in enumerate(parameters, start=1):
        key = parameter.get("parameter_name", "") if named else str(position)
        values[key] = _text_of(template, name, parameter)
    if wanted and set(values) != set(wanted):
        raise GraphRefusal(132000, f"{name}: parameter names do not match those of the template")
    return values


def _text_of(template: Template, name: str, parameter: dict[str, Any]) -> str:
    kind = parameter["type"]
    if kind in ("currency", "date_time"):
        return str(parameter[kind]["fallback_value"])
    if kind != "text":
        raise GraphRefusal(132012, f"{name}: Format mismatch, expected TEXT, received {kind.upper()}")
    if _NOT_IN_TEXT.search(parameter["text"]):
        details = "Param text cannot have new-line/tab characters or more than 4 consecutive spaces"
        raise GraphRefusal(132018, details)
    if template.category == "AUTHENTICATION" and len(parameter["text"]) > _LONGEST_CODE:
        raise GraphRefusal(132018, f"{name}: the code may have {_LONGEST_CODE} characters")
    return str(parameter["text"])


def _fill_buttons(
    template: Template, buttons: list[dict[str, Any]], given: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    by_index = {int(item["index"]): item for item in given if item["type"] == "button"}
    if beyond := [index for index in by_index if index >= len(buttons)]:
        raise GraphRefusal(132018, f"buttons: Button at index {beyond[0]} does not exist in the template")
    return [_fill_button(template, index, button, by_index.get(index)) for index, button in enumerate(buttons)]


def _fill_button(
    template: Template, index: int, button: dict[str, Any], given: dict[str, Any] | None
) -> dict[str, Any]:
    kind = str(button["type"])
    sub_type = _BUTTON_KINDS.get(kind, kind.lower())
    if given and given["sub_type"] != sub_type:
        raise GraphRefusal(132018, f"buttons: Button at index {index} is not of type {given['sub_type']}")
    parameters = (given or {}).get("parameters") or []
    url = str(button.get("url", ""))
    needs = kind in ("COPY_CODE", "OTP") or bool(variables(url))
    if needs and not parameters:
        raise GraphRefusal(131008, f"buttons: Button at index {index} of type {kind.title()} requires a parameter")
    value = parameters[0] if parameters else {}
    text = _text_of(template, "buttons", value) if value.get("type") == "text" else ""
    filled = {"type": kind, "text": button.get("text", ""), "payload": value.get("payload", button.get("text", ""))}
    if url:
        filled["url"] = fill(url, {name: text for name in variables(url)})
    return filled


def _fill_cards(template: Template, given: list[dict[str, Any]]) -> list[dict[str, Any]]:
    wanted = template.part("CAROUSEL").get("cards", [])
    cards = part(given, "CAROUSEL").get("cards", [])
    if len(wanted) != len(cards):
        raise _count_mismatch("carousel", len(cards), len(wanted))
    return [
        _fill_parts(template, own["components"], card["components"]) for own, card in zip(wanted, cards, strict=True)
    ]


def _parameters(given: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return list(part(given, name.upper()).get("parameters") or [])


def _count_mismatch(name: str, given: int, wanted: int) -> GraphRefusal:
    details = f"{name}: number of localizable_params ({given}) does not match the expected number of params ({wanted})"
    return GraphRefusal(132000, details)
