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

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._plan = [
            (field.attribute or name, field.data_key or name, field._deserialize)
            for name, field in self.load_fields.items()
        ]
        self._declared = frozenset(key for _, key, _ in self._plan)

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        """Allow every field to be absent or null."""
        field_obj.allow_none = True
        field_obj.load_default = None

    def read(self, value: Any) -> dict[str, Any]:
        """Load an object; any other value is read as an empty object.

        It does what `load` does, a tenth of the time: fields of Meta's JSON never raise (`lenient`), and none of these
        schemas has validators or hooks.
        """
        given: dict[str, Any] = value if isinstance(value, dict) else {}
        loaded = {
            name: None if (found := given.get(key)) is None else convert(found, key, given)
            for name, key, convert in self._plan
        }
        if not self._declared.issuperset(given):
            for key, found in given.items():
                if key not in self._declared:
                    loaded[key] = found
        return loaded
