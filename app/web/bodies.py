"""Reading request bodies."""

from __future__ import annotations

from flask import request
from werkzeug.exceptions import RequestEntityTooLarge

from app.errors import TooLarge, UnsupportedMediaType

API_LIMIT = 1024 * 1024


def read_raw(limit: int) -> bytes:
    """The body's bytes as received. Raises `TooLarge` above `limit`, for chunked bodies too.

    Werkzeug ends a chunked body at its limit and says nothing, so its limit is one byte beyond ours.
    """
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
