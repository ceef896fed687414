"""How our own kinds of marshmallow fields and schemas read as JSON Schema."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.common import resolve_schema_instance
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from marshmallow import INCLUDE, Schema, fields, validate

from app.schemas.message_contents import branches
from app.schemas.normalized_message import EveryKey, NormalizedMessage
from app.schemas.send.base import Variant
from app.schemas.send.texts import Link
from app.schemas.send.values import MOST_ITEMS, Degrees, Index, Items
from app.schemas.strict import Strict
from app.schemas.unions import AnyOf, Union

Shape = dict[str, Any]

OPEN = "More values may come."
_PART_OF_A_SEND = "app.schemas.send"
_UNPREFIXED = ("request", "response", "kinds", "short_form")


class ShapesPlugin(MarshmallowPlugin):
    """apispec's marshmallow plugin, told of our fields; schemas are described by their docstrings.

    What callers write is closed, as it is when it is read. What they are answered is open: new keys may come any day,
    and a reader who refuses them would break with every release.
    """

    def __init__(self, *, with_contents: bool = False) -> None:
        """`with_contents` says what a message holds by its type: conditions, which most generators cannot read."""
        super().__init__(schema_name_resolver=_name)
        self._with_contents = with_contents

    def init_spec(self, spec: APISpec) -> None:
        """Teach the converter."""
        super().init_spec(spec)
        assert self.converter is not None
        for shape in (_constant, _items, _number_or_text, _link, _bounds, _variant, _any_of, _words):
            self.converter.add_attribute_function(shape)  # type: ignore[no-untyped-call]

    def schema_helper(self, name: str, definition: Shape, **kwargs: Any) -> Shape | None:  # type: ignore[override]
        """The JSON Schema of a marshmallow schema; None for what is one already."""
        shape: Shape | None = super().schema_helper(name, definition, **kwargs)  # type: ignore[no-untyped-call]
        if shape is None:
            return None
        instance = resolve_schema_instance(kwargs["schema"])
        assert isinstance(instance, Schema)
        if not isinstance(instance, Strict):
            shape.pop("additionalProperties", None)
        elif instance.unknown != INCLUDE:
            shape["additionalProperties"] = False
        description = first_sentence(type(instance))
        if description:
            shape["description"] = description
        if isinstance(instance, EveryKey):
            shape["required"] = list(instance.fields)
        if self._with_contents and isinstance(instance, NormalizedMessage):
            shape["allOf"] = branches()
        return shape


def reference(converter: OpenAPIConverter, union: Union) -> Shape:
    """Where a union stands among the components; it is put there."""
    if union.name not in converter.spec.components.schemas:
        shape = {"description": union.description, **_one_of(converter, union.kinds, union.others)}
        converter.spec.components.schema(union.name, shape)
    return {"$ref": f"#/components/schemas/{union.name}"}


def first_sentence(documented: type) -> str:
    """What a class of ours says of itself; the rest of its docstring is for those who read the code."""
    own = inspect.cleandoc(documented.__doc__) if documented.__doc__ else ""
    return " ".join(re.split(r"(?<=\.)\s", own, maxsplit=1)[0].split())


def _one_of(converter: OpenAPIConverter, kinds: Any, others: Iterable[type[Schema]] = ()) -> Shape:
    """One of several objects. Where a `type` tells all of them apart, that is said, too.

    Beside others it is not: generators would want a `type` of those, too, namely their names here.
    """
    resolve: Callable[[Any], Shape] = converter.resolve_nested_schema
    found = {kind: resolve(shape) for kind, shape in kinds.items()}
    more = [resolve(shape) for shape in others]
    choices = list({each["$ref"]: each for each in (*found.values(), *more)}.values())
    if len(choices) == 1:
        return dict(choices[0])
    mapping = {kind: shape["$ref"] for kind, shape in found.items()}
    discriminator = {"discriminator": {"propertyName": "type", "mapping": mapping}} if mapping and not more else {}
    return {"oneOf": choices, **discriminator}


def _name(schema: Any) -> str:
    """The class's name; of a part of a send, after its module's, since two modules may both have a `Product`."""
    cls = type(resolve_schema_instance(schema))
    package, _, module = cls.__module__.rpartition(".")
    prefix = module.title() if package == _PART_OF_A_SEND and module not in _UNPREFIXED else ""
    return cls.__name__ if cls.__name__.startswith(prefix) else f"{prefix}{cls.__name__}"


def _variant(converter: OpenAPIConverter, field: fields.Field[Any], **_: Any) -> Shape:
    return _one_of(converter, field.shapes) if isinstance(field, Variant) else {}


def _any_of(converter: OpenAPIConverter, field: fields.Field[Any], **_: Any) -> Shape:
    return reference(converter, field.union) if isinstance(field, AnyOf) else {}


def _words(_converter: OpenAPIConverter, field: fields.Field[Any], ret: Shape) -> Shape:
    """The words of an answer are those that there are today; a reader must let others pass."""
    if "enum" not in field.metadata or isinstance(field.root, Strict):
        return {}
    ret.pop("type", None)
    described = " ".join([ret.get("description", ""), OPEN]).strip()
    others = ["string", "null"] if field.allow_none else "string"
    return {"anyOf": [{"type": "string", "enum": ret.pop("enum")}, {"type": others}], "description": described}


def _constant(_converter: OpenAPIConverter, field: fields.Field[Any], **_: Any) -> Shape:
    if not isinstance(field, fields.Constant):
        return {}
    if isinstance(field.constant, int) and not isinstance(field.constant, bool):  # a version, which means another shape
        return {"type": "integer", "enum": [field.constant]}
    return {"type": "boolean" if isinstance(field.constant, bool) else "string", "examples": [field.constant]}


def _items(_converter: OpenAPIConverter, field: fields.Field[Any], **_: Any) -> Shape:
    if not isinstance(field, Items):
        return {}
    most = {"maxItems": field.most or MOST_ITEMS}
    return most if field.may_be_empty else most | {"minItems": 1}


def _link(_converter: OpenAPIConverter, field: fields.Field[Any], **_: Any) -> Shape:
    return {"pattern": r"^[Hh][Tt][Tt][Pp][Ss]?://\S+$"} if isinstance(field, Link) else {}


def _bounds(_converter: OpenAPIConverter, field: fields.Field[Any], ret: Shape) -> Shape:
    """Bounds that are themselves no values."""
    for validator in field.validators:
        if isinstance(validator, validate.Range) and not validator.min_inclusive:
            return {"exclusiveMinimum": ret.pop("minimum")}
    return {}


def _number_or_text(_converter: OpenAPIConverter, field: fields.Field[Any], **_: Any) -> Shape:
    if isinstance(field, Degrees):
        return {"anyOf": [{"type": "number", "minimum": -field.most, "maximum": field.most}, {"type": "string"}]}
    if isinstance(field, Index):
        return {"anyOf": [{"type": "integer", "minimum": 0, "maximum": 9}, {"type": "string", "pattern": "^[0-9]$"}]}
    return {}
