"""Load parsed JSON with a schema, and report all problems at once."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError

from app.errors import Invalid, Malformed
from app.schemas.send.base import flatten


def load(schema: Schema, body: Any) -> dict[str, Any]:
    """Load an object. Raises `Malformed` if it is not one, and `Invalid` with all problems by dotted path."""
    if not isinstance(body, dict):
        raise Malformed
    try:
        loaded: dict[str, Any] = schema.load(body)
    except ValidationError as error:
        raise Invalid(fields=flatten(error.messages)) from None
    return loaded
