"""Bytes that must be JSON which every database takes, and Meta too."""

from __future__ import annotations

import json
import re
from typing import Any

from app.errors import Malformed

_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")  # escaped, and not behind a backslash that is itself escaped


def parse_json(raw: bytes) -> Any:
    """These bytes as JSON. Raises `Malformed`.

    Python reads `NaN` and 1e999 as numbers, and JSON may escape characters that no text can hold. Better refused here
    than in the middle of a send.
    """
    try:
        return check_json(json.loads(raw))
    except (ValueError, RecursionError):
        raise Malformed("The body is not JSON.") from None


def check_json(tree: Any) -> Any:
    """The same for what is read already."""
    try:
        text = json.dumps(tree, ensure_ascii=False, allow_nan=False)
        text.encode()
    except (ValueError, RecursionError):
        raise Malformed("The body is not JSON.") from None
    if _NUL.search(text):
        raise Malformed("The body holds the character NUL.")
    return tree
