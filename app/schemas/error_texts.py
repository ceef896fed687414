"""Messages about invalid values, in one style, whichever check found the problem.

A message follows the name of its field, so it begins with a verb: "is required", "must be a string". marshmallow's own
messages are whole sentences; `speak` replaces them in a field and its validators.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from marshmallow import fields, validate

from app.domain.known_names import nearest

REQUIRED, NULL = "is required", "must not be null"
OBJECT = "must be an object"
TIME = "must be a time with its offset, as 2026-01-31T12:00:00Z"

_BY_KIND: tuple[tuple[type[fields.Field[Any]], dict[str, Any]], ...] = (
    (fields.Integer, {"invalid": "must be a whole number", "too_large": "must be a smaller number"}),
    (fields.Number, {"invalid": "must be a number", "too_large": "must be a smaller number",
                     "special": "must be a number"}),
    (fields.Boolean, {"invalid": "must be true or false"}),
    (fields.DateTime, {"invalid": TIME, "invalid_awareness": TIME, "format": TIME}),
    (fields.List, {"invalid": "must be a list"}),
    (fields.Mapping, {"invalid": OBJECT}),
    (fields.Nested, {"type": OBJECT}),
    (fields.String, {"invalid": "must be a string", "invalid_utf8": "must be a string"}),
)  # fmt: skip


def one_of(words: Collection[str], given: Any = None) -> str:
    """Return a message with the allowed words, and the one that is most similar to the given value."""
    listed = " or ".join(words) if len(words) < 3 else f"one of {', '.join(words)}"
    near = nearest(given, words) if isinstance(given, str) else None
    return f"must be {listed}; did you mean `{near}`?" if near else f"must be {listed}"


def speak(field: fields.Field[Any]) -> None:
    """Give a field, its inner fields and its validators our messages, except where a field has its own."""
    theirs = {"required", "null", "validator_failed"} | set().union(*(said for _, said in _BY_KIND))
    ours = next((said for kind, said in _BY_KIND if isinstance(field, kind)), {})
    usual = {"required": REQUIRED, "null": NULL, "validator_failed": "is not valid"} | ours
    field.error_messages = {
        name: usual.get(name, said) if name in theirs and isinstance(said, str) and said[:1].isupper() else said
        for name, said in field.error_messages.items()
    }
    for validator in field.validators:
        if isinstance(validator, validate.Validator):
            _speak_of(validator)
    for inner in (getattr(field, "inner", None), getattr(field, "value_field", None)):
        if isinstance(inner, fields.Field):
            speak(inner)


def _speak_of(validator: validate.Validator) -> None:
    if getattr(validator, "error", None) not in (None, getattr(validator, "default_message", None)):
        return  # it has its own message
    if isinstance(validator, validate.Length):
        validator.error = _length(validator)
    elif isinstance(validator, validate.Range):
        validator.error = _range(validator)
    elif isinstance(validator, validate.OneOf):
        validator.error = one_of([str(choice) for choice in validator.choices])
    elif isinstance(validator, validate.Equal):
        validator.error = f"must be {str(validator.comparable).lower()}"
    elif isinstance(validator, validate.Regexp):
        validator.error = "is not written as it must be"


def _length(validator: validate.Length) -> str:
    least, most = validator.min or 0, validator.max
    if validator.equal is not None:
        return f"must have a length of {validator.equal}"
    if most is None:
        return f"must have a length of at least {least}"
    return f"must have a length of {least} to {most}" if least else f"must have a length of at most {most}"


def _range(validator: validate.Range) -> str:
    return f"must be from {validator.min} to {validator.max}"
