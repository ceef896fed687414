"""Numbers, flags, lists and objects in Meta's objects."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from marshmallow import ValidationError, fields

from app.schemas.send.base import is_blank
from app.schemas.send.texts import SPOKEN


class Flag(fields.Boolean):
    """A boolean; strings such as "true" are refused."""

    default_error_messages = {**SPOKEN, "invalid": "must be true or false"}

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid")
        return value


class Whole(fields.Integer):
    """A whole number; a string of digits is refused. A number outside `within` gives a warning."""

    default_error_messages = {**SPOKEN, "invalid": "must be a whole number"}

    def __init__(self, within: range | None = None, **options: Any) -> None:
        super().__init__(strict=True, **options)
        self.within = within

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value != int(value):
            raise self.make_error("invalid")
        return int(value)  # JSON has one kind of number: 5.0 is 5

    def advice_on(self, number: int) -> Iterable[str]:
        """Warn of a number outside the range that Meta documents."""
        if self.within and number not in self.within:
            yield f"is outside {self.within[0]} to {self.within[-1]}, which Meta may refuse"


class Number(fields.Float):
    """A number; a string of digits is refused."""

    default_error_messages = {**SPOKEN, "invalid": "must be a number"}

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self.make_error("invalid")
        return float(value)


class Index(fields.Field[str | int]):
    """A button's index in its template, from 0, as string or number, because Meta's samples have both."""

    default_error_messages = SPOKEN

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        if isinstance(value, bool) or str(value) not in list("0123456789"):
            raise ValidationError("must be a button's place, from 0 to 9")
        return value


class Degrees(fields.Field[str | float]):
    """A coordinate in degrees, as number or string, from -`most` to `most`."""

    default_error_messages = SPOKEN

    def __init__(self, most: int, **options: Any) -> None:
        super().__init__(**options)
        self.most = most

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        try:
            degrees = math.nan if isinstance(value, bool) else float(value)
        except (TypeError, ValueError, OverflowError):
            degrees = math.nan
        if not abs(degrees) <= self.most:
            raise ValidationError(f"must be degrees from -{self.most} to {self.most}, as in 40.41")
        return value


class Part(fields.Nested):
    """A nested object."""

    default_error_messages = SPOKEN


class Anything(fields.Dict):
    """An object whose content is not checked, because only Meta or the caller's own flow defines it."""

    default_error_messages = {**SPOKEN, "invalid": "must be an object"}


MOST_ITEMS = 200
"""Most elements of any list: more than any message of Meta's may have, and few enough to check each."""


class Items(fields.List[Any]):
    """A list of at most `most` elements, refused when empty unless `may_be_empty`. A length outside `usual` gives a
    warning.

    If it may be empty, blank objects are removed. With `one_will_do` a single object counts as a list of one.
    """

    default_error_messages = {**SPOKEN, "invalid": "must be a list"}

    def __init__(
        self,
        inner: Any,
        *,
        most: int | None = None,
        usual: range | None = None,
        may_be_empty: bool = False,
        one_will_do: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(inner, **options)
        self.one_will_do = one_will_do
        self.may_be_empty = may_be_empty
        self.most = most
        self.usual = usual

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        if self.one_will_do and isinstance(value, dict):
            value = [value]
        if self.may_be_empty and isinstance(value, list) and isinstance(self.inner, Part):
            value = [each for each in value if not (isinstance(each, dict) and is_blank(each))]
        if value == [] and not self.may_be_empty:
            raise ValidationError("must not be empty")
        most = self.most or MOST_ITEMS
        if isinstance(value, list) and len(value) > most:
            raise ValidationError(f"must be ≤ {most} items, and is {len(value)}; leave some out")
        return super()._deserialize(value, attr, data, **kwargs)

    def advice_on(self, items: list[Any]) -> Iterable[str]:
        """Warn of a number of elements outside the range that Meta documents."""
        if self.usual and len(items) not in self.usual:
            yield f"holds {len(items)}, and Meta documents {self.usual[0]} to {self.usual[-1]}"
