"""Base classes for the checks of outgoing objects of Meta's. Every error message says what to change.

Meta refuses a body with an unknown field (#100), so unknown fields are refused here by name. Where Meta's pages are
unclear, a value is accepted with advice, which becomes a warning of the send.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from marshmallow import ValidationError, fields, pre_load

from app.schemas.error_texts import NULL, OBJECT, REQUIRED, one_of
from app.schemas.strict import UNKNOWN, Strict


class MetaDecides(str):
    """A message about an unknown field or value that a newer version of Meta's API may accept. A lenient request passes
    it on, and Meta decides."""


def is_blank(value: Any) -> bool:
    """Return whether a value is blank, as SDKs write unset values: `""`, `{}`, or an object of empty texts.

    The `type` of an object does not count: `{"type": "text", "text": ""}` is blank.
    """
    if isinstance(value, dict):
        others = [each for name, each in value.items() if name != "type"]
        return not value or (bool(others) and all(each is None or each == "" for each in others))
    return value is None or value == ""


class MetaObject(Strict):
    """An object of Meta's. A field that is not declared is refused.

    Null counts as absent, and so do blank values of optional fields: Meta accepts or ignores them, and many SDKs write
    them.
    """

    error_messages = {"unknown": MetaDecides(UNKNOWN)}

    @pre_load
    def leave_out_blanks(self, data: Any, **kwargs: Any) -> Any:
        """Remove null values, and blank values of optional fields."""
        if not isinstance(data, dict):
            return data
        return {
            name: value
            for name, value in data.items()
            if value is not None and not (self._may_be_absent(name) and is_blank(value))
        }

    def _may_be_absent(self, name: str) -> bool:
        """Return whether a blank value of a field counts as absent. It never does in data of a caller's own flow."""
        field = self.fields.get(name)
        return field is None or not (field.required or isinstance(field, fields.Dict))

    def advice(self, data: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        """Return pairs of a field and a text about why Meta may refuse it, for an object that passed all checks."""
        return ()


class Variant(fields.Field[dict[str, Any]]):
    """An object whose schema depends on its `type`. `any_case` ignores upper and lower case, as Meta's samples vary."""

    default_error_messages = {"required": REQUIRED, "null": NULL}

    def __init__(self, shapes: Mapping[str, type[MetaObject]], *, any_case: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.shapes = shapes
        self.any_case = any_case
        self._schemas: dict[str, MetaObject] = {}

    def schema_for(self, value: Any) -> MetaObject:
        """Return the schema for an object; raise `ValidationError` with the known types if its type is unknown."""
        if not isinstance(value, dict):
            raise ValidationError(OBJECT)
        kind = value.get("type")
        if self.any_case and isinstance(kind, str):
            kind = kind.lower()
        if not isinstance(kind, str) or kind not in self.shapes:
            raise ValidationError({"type": [MetaDecides(one_of(list(self.shapes), kind))]})
        if kind not in self._schemas:
            self._schemas[kind] = self.shapes[kind]()
        return self._schemas[kind]

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        return self.schema_for(value).load(value)


def flatten(messages: Any, path: str = "") -> dict[str, list[str]]:
    """Return marshmallow's nested messages by dotted path: `interactive.action.buttons.0.reply.title`."""
    if not isinstance(messages, dict):
        return {path: [message if isinstance(message, str) else str(message) for message in messages]}
    flat: dict[str, list[str]] = {}
    for name, inner in messages.items():
        below = path if name == "_schema" else f"{path}.{name}".lstrip(".")
        for where, texts in flatten(inner, below).items():
            flat.setdefault(where, []).extend(texts)
    return flat


def advise(field: fields.Field[Any], value: Any, path: str) -> Iterator[str]:
    """Yield every warning about a value that this field has accepted, each beginning with its dotted path."""
    for text in getattr(field, "advice_on", _nothing)(value):
        yield f"{path}: {text}"
    if isinstance(field, fields.List):
        for position, item in enumerate(value):
            yield from advise(field.inner, item, f"{path}.{position}")
    elif isinstance(field, Variant):
        yield from _advise_object(field.schema_for(value), value, path)
    elif isinstance(field, fields.Nested) and isinstance(field.schema, MetaObject):
        yield from _advise_object(field.schema, value, path)


def _advise_object(schema: MetaObject, data: Mapping[str, Any], path: str) -> Iterator[str]:
    for name, text in schema.advice(data):
        yield f"{path}.{name}: {text}"
    for name, field in schema.fields.items():
        if name in data:
            yield from advise(field, data[name], f"{path}.{name}")


def _nothing(value: Any) -> Iterable[str]:
    return ()
