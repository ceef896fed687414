"""Bodies and query strings of our own API: what is not declared is refused, and the nearest name is said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import RAISE, Schema, ValidationError

from app.domain.known_names import suggestion

_UNKNOWN = "is not a field here"


class Strict(Schema):
    """An object that says what it does not know, so that a misspelt field is no silent one."""

    class Meta:
        unknown = RAISE

    what = "field"

    error_messages = {"type": "must be an object", "unknown": _UNKNOWN}

    def handle_error(self, error: ValidationError, data: Any, **kwargs: Any) -> None:
        """Say of each unknown name which one may be meant."""
        say_nearest(error, {field.data_key or name: name for name, field in self.load_fields.items()}, self.what)


def say_nearest(error: ValidationError, known: Mapping[str, str], what: str = "field") -> None:
    """Put better words in the place of marshmallow's, for as many unknown names as anybody reads."""
    messages = error.messages
    if not isinstance(messages, dict):
        return
    unknown = [name for name, said in messages.items() if name not in known and said == [_UNKNOWN]]
    for name in unknown[:MOST_SUGGESTIONS]:
        messages[name] = [f"is not a {what} here{suggestion(str(name), known) or '; remove it'}"]


MOST_SUGGESTIONS = 20
