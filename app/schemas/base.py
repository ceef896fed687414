"""The one base of every schema that reads Meta's JSON."""

from __future__ import annotations

from typing import Any

from marshmallow import INCLUDE, Schema, fields


class MetaSchema(Schema):
    """Reads an object of Meta's: every declared key is in the result, null when absent; other keys pass as they came.

    marshmallow does not hand `unknown` down to nested schemas, so each of ours has it from here.
    """

    class Meta:
        unknown = INCLUDE

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        """Let any field be absent or null."""
        field_obj.allow_none = True
        field_obj.load_default = None

    def read(self, value: Any) -> dict[str, Any]:
        """Load an object; anything that is none reads like an empty one."""
        loaded: dict[str, Any] = self.load(value if isinstance(value, dict) else {})
        return loaded
