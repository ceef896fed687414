"""Fields that take what Meta sends: any of its values may be absent, null, or of another type than documented.

They never refuse. What cannot be read as asked comes out as null; the notification's bytes are kept anyway.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from marshmallow import fields

_LATEST_SECONDS = 10**11  # the year 5138; Meta's milliseconds passed this in 1973


def as_text(value: Any) -> str | None:
    """Strings as they are, numbers as strings, anything else as null."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return str(value)


def as_number(value: Any) -> float | int | None:
    """Numbers as they are, finite numbers in strings as numbers, anything else as null."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return value
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def as_flag(value: Any) -> bool | None:
    """Booleans as they are, the words `true` and `false` as booleans, anything else as null."""
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(value.lower()) if isinstance(value, str) else None


def as_moment(value: Any) -> datetime | None:
    """Unix seconds, as string or number, as an aware time. Milliseconds and finer are recognised by their size."""
    if isinstance(value, str) and value.isdecimal() and len(value) < 12:
        seconds: float | None = int(value)
    else:
        seconds = as_number(value)
    if seconds is None or not 0 < seconds < 10**20:
        return None
    while seconds > _LATEST_SECONDS:
        seconds /= 1000
    return datetime.fromtimestamp(seconds, UTC)


def as_object(value: Any) -> dict[str, Any]:
    """Objects as they are, anything else as an empty one."""
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """Lists as they are, null as empty, anything else as a list of that one thing."""
    if isinstance(value, list):
        return value
    return [] if value is None else [value]


class Text(fields.Field[str]):
    """A string that may come as a number."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        return value if isinstance(value, str) else as_text(value)


class Number(fields.Field[float]):
    """A number that may come as a string."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        return as_number(value)


class Flag(fields.Field[bool]):
    """A boolean that may come as a word."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        return as_flag(value)


class Moment(fields.Field[datetime]):
    """Unix seconds, as string or number; an aware time once loaded."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        return as_moment(value)


class Object(fields.Field[dict[str, Any]]):
    """An object passed through as it came; null when it is none."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        return value if isinstance(value, dict) else None
