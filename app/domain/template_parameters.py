"""What a template needs to be filled in with, and Meta's object for sending it. Source: Meta, templates/components."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Json = Mapping[str, Any]

LONGEST_VALUE = 1024
_PLACE = re.compile(r"\{\{\s*([A-Za-z0-9_]{1,60})\s*\}\}")
_MEDIA = ("image", "video", "document")
_UNFILLABLE = frozenset({"CAROUSEL", "LIMITED_TIME_OFFER", "CALL_PERMISSION_REQUEST"})
_BROKEN_LINE = re.compile(r"[\n\r\t]| {5}")


@dataclass(frozen=True, slots=True)
class Template:
    """A template as Meta defines it. `components` are Meta's; `is_named` where its places have names, not numbers."""

    name: str
    language: str
    category: str
    status: str
    components: tuple[Json, ...] = ()
    is_named: bool = False

    @property
    def can_be_filled(self) -> bool:
        """Whether `content` knows how to fill in all of its parts."""
        kinds = {str(each.get("type", "")).upper() for each in self.components}
        return not kinds & _UNFILLABLE and self.category.upper() != "AUTHENTICATION"


@dataclass(frozen=True, slots=True)
class TemplatePlace:
    """One value that a template needs.

    `id` names it among the places of a template (`body.1`, `header.image`, `button.0`). `kind` is `text`, `image`,
    `video`, `document`, `url` (the end of a button's address) or `code`. `example` is Meta's sample.
    """

    id: str
    kind: str
    label: str
    example: str = ""
    around: str = ""


@dataclass(slots=True)
class BadValues(ValueError):
    """Values that do not fill a template. `problems` are `missing`, `too_long` or `broken_line`, by the place's id."""

    problems: dict[str, str] = field(default_factory=dict)


def places(template: Template) -> tuple[TemplatePlace, ...]:
    """Return what a template needs, in the order in which the customer reads it."""
    return tuple(found for component in template.components for found in _places(component))


def content(template: Template, values: Mapping[str, str]) -> dict[str, Any]:
    """Return Meta's `template` object, with the values by the ids of their places.

    The value of a file's place is an address, or the id of an uploaded file. Raises `BadValues`.
    """
    wanted = places(template)
    given = {place.id: values.get(place.id, "").strip() for place in wanted}
    problems = {place.id: problem for place in wanted if (problem := _problem(place, given[place.id]))}
    if problems:
        raise BadValues(problems)
    filled = [part for component in template.components for part in _filled(template, component, given)]
    made: dict[str, Any] = {"name": template.name, "language": {"code": template.language}}
    return made | {"components": filled} if filled else made


def _places(component: Json) -> Iterator[TemplatePlace]:
    kind = _kind(component)
    if kind in ("HEADER", "BODY"):
        media = _format(component)
        if kind == "HEADER" and media in _MEDIA:
            yield TemplatePlace(f"header.{media}", media, media)
            return
        text = str(component.get("text", ""))
        examples = _examples(component)
        for position, name in enumerate(_names(text)):
            example = examples.get(name) or examples.get(str(position + 1), "")
            yield TemplatePlace(f"{kind.lower()}.{name}", "text", name, example, text)
    elif kind == "BUTTONS":
        for position, button in enumerate(_buttons(component)):
            yield from _button_places(position, button)


def _button_places(position: int, button: Json) -> Iterator[TemplatePlace]:
    label = str(button.get("text", ""))
    if str(button.get("type", "")).upper() == "COPY_CODE":
        yield TemplatePlace(f"button.{position}", "code", label)
    elif _names(str(button.get("url", ""))):
        yield TemplatePlace(f"button.{position}", "url", label, around=str(button.get("url", "")))


def _filled(template: Template, component: Json, given: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    kind, media = _kind(component), _format(component)
    if kind == "HEADER" and media in _MEDIA:
        value = given[f"header.{media}"]
        file = {"link": value} if "://" in value else {"id": value}
        yield {"type": "header", "parameters": [{"type": media, media: file}]}
    elif kind in ("HEADER", "BODY"):
        part = kind.lower()
        parameters = [
            {"type": "text", "text": given[f"{part}.{name}"], **({"parameter_name": name} if template.is_named else {})}
            for name in _names(str(component.get("text", "")))
        ]
        if parameters:
            yield {"type": part, "parameters": parameters}
    elif kind == "BUTTONS":
        for position, button in enumerate(_buttons(component)):
            if filled := given.get(f"button.{position}"):
                yield _filled_button(position, button, filled)


def _filled_button(position: int, button: Json, value: str) -> dict[str, Any]:
    is_code = str(button.get("type", "")).upper() == "COPY_CODE"
    parameter = {"type": "coupon_code", "coupon_code": value} if is_code else {"type": "text", "text": value}
    sub_type = "copy_code" if is_code else "url"
    return {"type": "button", "sub_type": sub_type, "index": str(position), "parameters": [parameter]}


def _problem(place: TemplatePlace, value: str) -> str:
    if not value:
        return "missing"
    if len(value) > LONGEST_VALUE:
        return "too_long"
    return "broken_line" if place.kind == "text" and _BROKEN_LINE.search(value) else ""


def _names(text: str) -> list[str]:
    """Return the names of the places in a text, each once, numbers in their order and names as they come."""
    found = list(dict.fromkeys(_PLACE.findall(text)))
    return sorted(found, key=int) if all(name.isdigit() for name in found) else found


def _examples(component: Json) -> dict[str, str]:
    """Return Meta's samples by name, or by position from 1."""
    example = component.get("example")
    if not isinstance(example, dict):
        return {}
    found: dict[str, str] = {}
    for key, value in example.items():
        if key.endswith("_named_params") and isinstance(value, list):
            found |= {str(each.get("param_name")): str(each.get("example")) for each in value if isinstance(each, dict)}
        elif isinstance(value, list):
            first = value[0] if value and isinstance(value[0], list) else value
            found |= {str(position): str(each) for position, each in enumerate(first, 1)}
    return found


def _kind(component: Json) -> str:
    return str(component.get("type", "")).upper()


def _format(component: Json) -> str:
    return str(component.get("format", "TEXT")).lower()


def _buttons(component: Json) -> list[Json]:
    found = component.get("buttons")
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
