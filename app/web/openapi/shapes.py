"""How our own kinds of marshmallow fields and schemas read as JSON Schema."""

from __future__ import annotations

import inspect
import re
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.common import resolve_schema_instance
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from marshmallow import Schema, fields

from app.schemas.message_contents import branches
from app.schemas.normalized_message import EveryKey, NormalizedMessage
from app.schemas.send.base import Variant
from app.schemas.send.values import Degrees, Index, Items

Shape = dict[str, Any]


class ShapesPlugin(MarshmallowPlugin):
    """apispec's marshmallow plugin, told of our fields; schemas are described by their docstrings."""

    def __init__(self) -> None:
        super().__init__(schema_name_resolver=_name)

    def init_spec(self, spec: APISpec) -> None:
        """Teach the converter."""
        super().init_spec(spec)
        assert self.converter is not None
        for shape in (_constant, _items, _number_or_text, _variant):
            self.converter.add_attribute_function(shape)  # type: ignore[no-untyped-call]

    def schema_helper(self, name: str, definition: Shape, **kwargs: Any) -> Shape | None:  # type: ignore[override]
        """The JSON Schema of a marshmallow schema; None for what is one already."""
        shape: Shape | None = super().schema_helper(name, definition, **kwargs)  # type: ignore[no-untyped-call]
        if shape is None:
            return None
        instance = resolve_schema_instance(kwargs["schema"])
        assert isinstance(instance, Schema)
        description = first_sentence(type(instance))
        if description:
            shape["description"] = description
        if isinstance(instance, EveryKey):
            shape["required"] = list(instance.fields)
        if isinstance(instance, NormalizedMessage):
            shape["allOf"] = branches()
        return shape


def first_sentence(documented: type) -> str:
    """What a class of ours says of itself; the rest of its docstring is for those who read the code."""
    own = inspect.cleandoc(documented.__doc__) if documented.__doc__ else ""
    return " ".join(re.split(r"(?<=\.)\s", own, maxsplit=1)[0].split())


def _name(schema: Any) -> str:
    """The class's name; of a part of a send, after its module's, since two modules may both have a `Product`."""
    cls = type(resolve_schema_instance(schema))
    package, _, module = cls.__module__.rpartition(".")
    prefix = module.title() if package == "app.schemas.send" and module not in ("request", "response") else ""
    return cls.__name__ if cls.__name__.startswith(prefix) else f"{prefix}{cls.__name__}"


def _variant(converter: OpenAPIConverter, field: fields.Field[Any], **_: Any) -> Shape:
    """An object of one of several shapes."""
    if not isinstance(field, Variant):
        return {}
    shapes = dict.fromkeys(field.shapes.values())
    references = [converter.resolve_nested_schema(shape) for shape in shapes]  # type: ignore[no-untyped-call]
    return {"anyOf": references}


def _constant(_converter: OpenAPIConverter, field: fields.Field[Any], **_: Any) -> Shape:
    return {"const": field.constant} if isinstance(field, fields.Constant) else {}


def _items(_converter: OpenAPIConverter, field: fields.Field[Any], **_: Any) -> Shape:
    if not isinstance(field, Items):
        return {}
    most = {"maxItems": field.most} if field.most else {}
    return most if field.may_be_empty else most | {"minItems": 1}


def _number_or_text(_converter: OpenAPIConverter, field: fields.Field[Any], **_: Any) -> Shape:
    if isinstance(field, Degrees):
        return {"anyOf": [{"type": "number", "minimum": -field.most, "maximum": field.most}, {"type": "string"}]}
    if isinstance(field, Index):
        return {"anyOf": [{"type": "integer", "minimum": 0, "maximum": 9}, {"type": "string", "pattern": "^[0-9]$"}]}
    return {}
