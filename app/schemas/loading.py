"""From JSON that came in to what a schema makes of it, or to every reason why not."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError

from app.errors import Invalid, Malformed
from app.schemas.send.base import flatten


def load(schema: Schema, body: Any) -> dict[str, Any]:
    """Load an object. Raises `Malformed` for what is none, and `Invalid` with all problems by dotted path."""
    if not isinstance(body, dict):
        raise Malformed
    try:
        loaded: dict[str, Any] = schema.load(body)
    except ValidationError as error:
        raise Invalid(fields=flatten(error.messages)) from None
    return loaded
