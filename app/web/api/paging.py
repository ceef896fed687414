"""Query parameters that lists share: `limit`, `cursor`, `since`, `until`."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

from flask import request

from app.errors import Invalid

LIMIT, LARGEST_LIMIT = 50, 500


def limit() -> int:
    """How many to list. Raises `Invalid`."""
    return number("limit", LIMIT, 1, LARGEST_LIMIT)


def number(name: str, default: int, low: int, high: int) -> int:
    """A whole number from the query. Raises `Invalid`."""
    text = request.args.get(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 18 or not low <= int(text) <= high:
        raise Invalid(fields={name: [f"must be a whole number from {low} to {high}"]})
    return int(text)


def text(name: str) -> str | None:
    """A text from the query; empty counts as not given. Raises `Invalid` for what no database takes."""
    value = request.args.get(name) or None
    if value is not None and ("\x00" in value or not value.isprintable() or len(value) > 1000):
        raise Invalid(fields={name: ["must be plain text of at most 1000 characters"]})
    return value


def time(name: str) -> datetime | None:
    """A time from the query, ISO 8601 with its offset. Raises `Invalid`."""
    value = request.args.get(name)
    if not value:
        return None
    try:
        # A plus in a query that was not escaped arrives as a space.
        found = datetime.fromisoformat(value.replace(" ", "+") if value.count(" ") == 1 and "T" in value else value)
        if found.tzinfo is None or not 1970 <= found.year <= 9000:
            raise ValueError
        return found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Invalid(fields={name: ["must be a time with its offset, as 2026-01-31T12:00:00Z"]}) from None


def cursor() -> str | None:
    """Where the last page ended, as `next_cursor` said. Raises `Invalid`."""
    value = request.args.get("cursor")
    if not value:
        return None
    try:
        place = base64.urlsafe_b64decode(value.encode() + b"==").decode()
    except ValueError:
        raise bad_cursor() from None
    if not place.isprintable():  # NUL among others, which PostgreSQL takes in no text
        raise bad_cursor()
    return place


def bad_cursor() -> Invalid:
    """The error for a cursor that we did not make."""
    return Invalid(fields={"cursor": ["is not one of ours; give back a `next_cursor` as it came"]})


def page(data: list[Any], next_place: str | None) -> dict[str, Any]:
    """The answer of a list."""
    encoded = None if next_place is None else base64.urlsafe_b64encode(next_place.encode()).decode().rstrip("=")
    return {"data": data, "next_cursor": encoded}
