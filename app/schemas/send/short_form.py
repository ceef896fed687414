"""The short form of a send: `message` alone is a text, with `image_url` the caption of an image, with `buttons` (their
titles) the text above them; a `template` may name its language and the values of its text as plain strings.
"""

from __future__ import annotations

import re
from typing import Any

from app.schemas.send.base import MetaObject
from app.schemas.send.texts import Text
from app.schemas.send.values import Items

Json = dict[str, Any]
Problems = dict[str, list[str]]

SHORT = ("message", "image_url", "buttons")

_OBJECTS = ("text", "image", "interactive")
_NAMES = {
    "text": {"text.body": "message", "text": "message"},
    "image": {"image.link": "image_url", "image.caption": "message", "image": "image_url"},
    "interactive": {
        "interactive.body.text": "message", "interactive.body": "message", "interactive.action.buttons": "buttons",
        "interactive.header.image.link": "image_url",
    },
}  # fmt: skip
_BUTTON = re.compile(r"interactive\.action\.buttons\.([0-9]+)(?:\..*)?")
_VALUE = re.compile(r"template\.components\.0\.parameters\.([0-9]+)\.text")
_TEMPLATE = {"template.language.code": "template.language", "template.components.0.parameters": "template.parameters"}


class ShortTemplate(MetaObject):
    """An approved template, with what fills the places of its text, in their order."""

    name = Text(512, required=True)
    language = Text(required=True, description="As `es` or `en_US`.")
    parameters = Items(Text(), metadata={"description": "For `{{1}}`, `{{2}}`, …"})


def expand(given: Json, problems: Problems) -> Json:
    """Return the request in the full form; one that has the full form is returned unchanged."""
    if _is_short(given):
        given = given | {"template": _template(given["template"])}
    if not any(name in given for name in SHORT):
        return given
    type_ = _type(given)
    if given.get("type", type_) != type_ or any(name in given for name in _OBJECTS):
        name = next(name for name in SHORT if name in given)
        problems[name] = ["is the short form; leave it out, or leave out `type` and its object"]
        return {name: value for name, value in given.items() if name not in SHORT}
    rest = {name: value for name, value in given.items() if name not in SHORT}
    return {**rest, "type": type_, type_: _content(given)}


def restore_names(problems: Problems, given: Json) -> Problems:
    """Return the problems with paths of the short form, if the caller used it."""
    names: dict[str, str] = {}
    if any(name in given for name in SHORT):
        names |= _NAMES[_type(given)]
    if _is_short(given):
        names |= _TEMPLATE
    if not names:
        return problems
    return {_restored(path, names): texts for path, texts in problems.items()}


def _restored(path: str, names: dict[str, str]) -> str:
    button, value = _BUTTON.fullmatch(path), _VALUE.fullmatch(path)
    if button and "interactive.action.buttons" in names:
        return f"buttons.{button[1]}"
    if value and "template.language.code" in names:
        return f"template.parameters.{value[1]}"
    return names.get(path, path)


def _type(given: Json) -> str:
    return "interactive" if "buttons" in given else "image" if "image_url" in given else "text"


def _content(given: Json) -> Json:
    if "buttons" in given:
        return _buttons(given)
    if "image_url" not in given:
        return {"body": given["message"]}
    # An empty message counts as no caption.
    caption = {"caption": given["message"]} if given.get("message") not in (None, "") else {}
    return {"link": given["image_url"], **caption}


def _buttons(given: Json) -> Json:
    """Return the object with reply buttons. Each title is also the id, so that the customer's answer has it."""
    titles = given["buttons"]
    if isinstance(titles, list):
        titles = [{"type": "reply", "reply": {"id": title, "title": title}} for title in titles]
    header = {"header": {"type": "image", "image": {"link": given["image_url"]}}} if "image_url" in given else {}
    return {"type": "button", **header, "body": {"text": given.get("message")}, "action": {"buttons": titles}}


def _is_short(given: Json) -> bool:
    """Return whether the request has a template in the short form, which has no `type`."""
    template = given.get("template")
    if "type" in given or not isinstance(template, dict):
        return False
    return isinstance(template.get("language"), str) or "parameters" in template


def _template(short: Json) -> Json:
    values = short.get("parameters")
    if isinstance(values, list):
        values = [{"type": "text", "text": value} for value in values]
    filled = {} if values is None else {"components": [{"type": "body", "parameters": values}]}
    rest = {name: value for name, value in short.items() if name not in ("language", "parameters")}
    language = {"language": {"code": short["language"]}} if "language" in short else {}
    return {**rest, **language, **filled}
