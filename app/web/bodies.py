"""Reading request bodies."""

from __future__ import annotations

from typing import Any

from flask import request
from werkzeug.exceptions import RequestEntityTooLarge

from app.errors import Malformed, TooLarge, UnsupportedMediaType

API_LIMIT = 1024 * 1024


def read_raw(limit: int) -> bytes:
    """The body's bytes as received. Raises `TooLarge` above `limit`, for chunked bodies too.

    Read from the stream: `request.get_data()` cuts a chunked body at the limit and says nothing.
    """
    request.max_content_length = limit
    try:
        return request.stream.read()
    except RequestEntityTooLarge:
        raise TooLarge(f"The body is larger than {limit} bytes.") from None


def read_json(limit: int = API_LIMIT) -> Any:
    """The body as JSON. Raises `UnsupportedMediaType`, `TooLarge` and `Malformed`."""
    if not request.is_json:
        raise UnsupportedMediaType
    raw = read_raw(limit)
    try:
        return request.json_module.loads(raw)
    except (ValueError, RecursionError):
        raise Malformed("The body is not JSON.") from None
