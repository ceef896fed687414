"""Schemas of objects that callers write. An undeclared field is refused, and the message suggests the nearest name."""

from __future__ import annotations

from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields

from app.domain.known_names import suggestion
from app.schemas.error_texts import OBJECT, speak

MOST_SUGGESTIONS = 20
"""Most unknown fields of one object that get a suggestion; a caller with more would not read them."""

UNKNOWN = "is not a field here"


class Strict(Schema):
    """An object that refuses undeclared fields by name, so that a misspelt field is not silently ignored."""

    class Meta:
        unknown = RAISE

    what = "field"

    error_messages = {"type": OBJECT, "unknown": UNKNOWN}

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        """Give every field our error messages."""
        super().on_bind_field(field_name, field_obj)
        speak(field_obj)

    def handle_error(self, error: ValidationError, data: Any, **kwargs: Any) -> None:
        """Add to the message of each unknown field the declared name that is most similar."""
        messages = error.messages
        if not isinstance(messages, dict):
            return
        known = [field.data_key or name for name, field in self.load_fields.items()]
        unknown = [name for name, said in messages.items() if said == [UNKNOWN]]
        for name in unknown[:MOST_SUGGESTIONS]:
            kind = type(messages[name][0])  # keep subclasses of str, such as `MetaDecides`
            messages[name] = [kind(f"is not a {self.what} here{suggestion(str(name), known) or '; remove it'}")]
