"""The frame around lists."""

from __future__ import annotations

import base64
from typing import Any

from app.errors import Invalid
from app.schemas.api.query import BAD_CURSOR


def bad_cursor() -> Invalid:
    """The error for a cursor that we did not make."""
    return Invalid(fields={"cursor": [BAD_CURSOR]})


def page(data: list[Any], next_place: str | None) -> dict[str, Any]:
    """The answer of a list."""
    return {"data": data, "next_cursor": encoded(next_place)}


def encoded(place: str | None) -> str | None:
    """A place as a cursor."""
    return None if place is None else base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")
