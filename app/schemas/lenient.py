"""Fields for Meta's JSON, in which any value may be absent, null, or of another type than documented.

They never raise. A value that cannot be converted becomes None; nothing is lost, because the notification's bytes are
stored.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from marshmallow import fields

_LATEST_SECONDS = 10**11  # the year 5138; Meta's milliseconds passed this in 1973


def as_text(value: Any) -> str | None:
    """Return a string unchanged, a number as a string, and None for anything else."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return str(value)


def as_number(value: Any) -> float | int | None:
    """Return a number unchanged, a string with a finite number as a number, and None for anything else."""
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
    """Return a boolean unchanged, the strings `true` and `false` as booleans, and None for anything else."""
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(value.lower()) if isinstance(value, str) else None


def as_moment(value: Any) -> datetime | None:
    """Return Unix seconds (string or number) as an aware time, or None. Finer units are recognised by their size."""
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
    """Return an object unchanged, and an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """Return a list unchanged, an empty one for None, and a list of one element for anything else."""
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
    """Unix seconds, as string or number; loads an aware time."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        return as_moment(value)


class Object(fields.Field[dict[str, Any]]):
    """An object, loaded unchanged; None for anything else."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        return value if isinstance(value, dict) else None
