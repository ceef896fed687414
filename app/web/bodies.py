"""Reading request bodies."""

from __future__ import annotations

from typing import Any

from flask import g, request
from marshmallow import Schema
from werkzeug.exceptions import RequestEntityTooLarge

from app.errors import TooLarge, UnsupportedMediaType
from app.schemas.json_text import parse_json
from app.schemas.loading import load

API_LIMIT = 1024 * 1024


def read_raw(limit: int) -> bytes:
    """The body's bytes as received. Raises `TooLarge` above `limit`, for chunked bodies too.

    Werkzeug ends a chunked body at its limit and says nothing, so its limit is one byte beyond ours.
    """
    if "raw_body" in g:  # somebody has read it already
        known: bytes = g.raw_body
        return known
    request.max_content_length = limit + 1
    try:
        raw = request.stream.read()
    except RequestEntityTooLarge:
        raw = None
    if raw is None or len(raw) > limit:
        raise TooLarge(f"The body is larger than {limit} bytes.")
    return raw


def read_json_bytes(limit: int = API_LIMIT) -> bytes:
    """The bytes of a body that says it is JSON. Raises `UnsupportedMediaType` and `TooLarge`."""
    if not request.is_json:
        raise UnsupportedMediaType
    return read_raw(limit)


def read_object(schema: Schema) -> dict[str, Any]:
    """The JSON object that is the body, as its schema loads it. Raises `Malformed`, `Invalid` and what bytes may."""
    return load(schema, parse_json(read_json_bytes()))
