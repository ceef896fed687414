"""The base class of all schemas that parse Meta's JSON."""

from __future__ import annotations

from typing import Any

from marshmallow import INCLUDE, Schema, fields


class MetaSchema(Schema):
    """Loads an object of Meta's: the result has every declared key, None if absent, and all other keys unchanged.

    marshmallow does not apply `unknown` to nested schemas, so each of our schemas inherits it from this class.
    """

    class Meta:
        unknown = INCLUDE

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        """Allow every field to be absent or null."""
        field_obj.allow_none = True
        field_obj.load_default = None

    def read(self, value: Any) -> dict[str, Any]:
        """Load an object; any other value is read as an empty object."""
        loaded: dict[str, Any] = self.load(value if isinstance(value, dict) else {})
        return loaded
