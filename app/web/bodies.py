"""Reading request bodies."""

from __future__ import annotations

import json
import re
from typing import Any

from flask import request
from werkzeug.exceptions import RequestEntityTooLarge

from app.errors import Malformed, TooLarge, UnsupportedMediaType

API_LIMIT = 1024 * 1024

_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")  # escaped, and not behind a backslash that is itself escaped


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


def parse_json(raw: bytes) -> Any:
    """These bytes as JSON that every database takes, and Meta too. Raises `Malformed`.

    Python reads `NaN` and 1e999 as numbers, and JSON may escape characters that no text can hold. Better refused here
    than in the middle of a send.
    """
    try:
        tree = json.loads(raw)
        text = json.dumps(tree, ensure_ascii=False, allow_nan=False)
        text.encode()
    except (ValueError, RecursionError):
        raise Malformed("The body is not JSON.") from None
    if _NUL.search(text):
        raise Malformed("The body holds the character NUL.")
    return tree
