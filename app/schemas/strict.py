"""Objects that callers write: what is not declared is refused, the nearest name is said, all in one style of words."""

from __future__ import annotations

from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields

from app.domain.known_names import suggestion
from app.schemas.error_texts import OBJECT, speak

MOST_SUGGESTIONS = 20
"""Of one object; who sends more unknown fields than that reads no more words either."""

UNKNOWN = "is not a field here"


class Strict(Schema):
    """An object that says what it does not know, so that a misspelt field is no silent one."""

    class Meta:
        unknown = RAISE

    what = "field"

    error_messages = {"type": OBJECT, "unknown": UNKNOWN}

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        """Let every field speak as we do."""
        super().on_bind_field(field_name, field_obj)
        speak(field_obj)

    def handle_error(self, error: ValidationError, data: Any, **kwargs: Any) -> None:
        """Say of each unknown name which one may be meant."""
        messages = error.messages
        if not isinstance(messages, dict):
            return
        known = [field.data_key or name for name, field in self.load_fields.items()]
        unknown = [name for name, said in messages.items() if said == [UNKNOWN]]
        for name in unknown[:MOST_SUGGESTIONS]:
            kind = type(messages[name][0])  # a kind of string may say more than its words
            messages[name] = [kind(f"is not a {self.what} here{suggestion(str(name), known) or '; remove it'}")]
