"""One of several schemas: what it is, the word in its `type` says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from marshmallow import Schema, fields


@dataclass(frozen=True, slots=True)
class Union:
    """One of several objects, under the name that it has in a description.

    `kinds` are schemas by the word in `type`, `others` those that are known by what else they require.
    """

    name: str
    description: str
    kinds: Mapping[str, type[Schema]]
    others: tuple[type[Schema], ...] = ()


class AnyOf(fields.Raw):
    """A field that holds one of a union, and is read and written elsewhere."""

    def __init__(self, union: Union, **options: Any) -> None:
        super().__init__(**options)
        self.union = union
