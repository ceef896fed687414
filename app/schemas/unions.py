"""Unions of schemas that are distinguished by the value of `type`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from marshmallow import Schema, fields


@dataclass(frozen=True, slots=True)
class Union:
    """A union of schemas, with its name in the API's description.

    `kinds` are schemas by the value of `type`; `others` are distinguished by the fields that they require.
    """

    name: str
    description: str
    kinds: Mapping[str, type[Schema]]
    others: tuple[type[Schema], ...] = ()


class AnyOf(fields.Raw):
    """A field whose value is one of a union. The field itself neither checks nor converts the value."""

    def __init__(self, union: Union, **options: Any) -> None:
        super().__init__(**options)
        self.union = union
