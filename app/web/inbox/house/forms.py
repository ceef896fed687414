"""Forms that are checked by the API's own schemas."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from flask import request
from marshmallow import Schema, ValidationError, fields

from app.errors import Invalid
from app.schemas.api.query import Query
from app.schemas.loading import load
from app.schemas.send.base import flatten


def read_query(schema: Query) -> dict[str, Any]:
    """Return the parameters of the page's query that the schema knows, loaded. Raises `Invalid`."""
    try:
        return schema.read([(name, texts) for name, texts in request.args.lists() if name in schema.fields])
    except ValidationError as error:
        raise Invalid(fields=flatten(error.messages)) from None


def read_form(schema: Schema, *, flags: Collection[str] = (), lists: Collection[str] = ()) -> dict[str, Any]:
    """Return the fields of the form that the schema knows, loaded. Raises `Invalid`.

    A text that is empty is left out; `flags` are checkboxes, false unless checked; `lists` are texts with commas.
    """
    given: dict[str, Any] = {}
    for name, field in schema.fields.items():
        text = request.form.get(name, "").strip()
        if name in flags:
            given[name] = bool(text)
        elif text and name in lists:
            given[name] = [each.strip() for each in text.split(",") if each.strip()]
        elif text:
            given[name] = _number(text) if isinstance(field, fields.Number) else text
    loaded: dict[str, Any] = load(schema, given)
    return loaded


def _number(text: str) -> Any:
    """Return the number that a text is, with a comma or a point; any other text as it is, which the schema refuses."""
    try:
        number = float(text.replace(",", "."))
    except ValueError:
        return text
    return int(number) if number.is_integer() else number
