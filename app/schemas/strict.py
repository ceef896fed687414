"""Bodies of our own API: what is not declared is refused."""

from __future__ import annotations

from marshmallow import RAISE, Schema


class Strict(Schema):
    """An object that says what it does not know, so that a misspelt field is no silent one."""

    class Meta:
        unknown = RAISE

    error_messages = {"type": "must be an object", "unknown": "is not a field here"}
