"""Parse JSON of callers, and reject JSON that a database or Meta would refuse."""

from __future__ import annotations

import json
import math
from typing import Any

from app.errors import Malformed, TooLarge

MOST_VALUES = 400_000
"""Most values in one body. A send has about 30, a bulk of 1000 sends about 30,000. A value takes up to 100 bytes of
memory, even if it is one byte of JSON."""

DEEPEST = 100


def parse_json(raw: bytes) -> Any:
    """Parse UTF-8 JSON. Raises `Malformed` with the problem and its position, and `TooLarge`.

    Python accepts `NaN` and 1e999 as numbers, and JSON may escape characters that a text cannot contain. Both would
    fail later, in the middle of a send, so they are rejected here.
    """
    if raw.count(b",") + raw.count(b"[") + raw.count(b"{") > MOST_VALUES:
        raise TooLarge(f"The body holds more than {MOST_VALUES:,} values.")
    try:
        tree = json.loads(_text(raw), parse_constant=_refuse)
    except json.JSONDecodeError as error:
        what = error.msg.partition(":")[0].removesuffix(" at").lower()
        raise Malformed(f"The body is not JSON: {what}, at line {error.lineno}, column {error.colno}.") from None
    except RecursionError:
        raise Malformed(f"The body is not JSON that anybody reads: it nests deeper than {DEEPEST}.") from None
    except ValueError:  # Python limits the digits of an integer
        raise Malformed("The body holds a number that is too large.") from None
    return check_json(tree)


def check_json(tree: Any) -> Any:
    """Return parsed JSON unchanged. Raises `Malformed` if it is too deep or has values that a database refuses."""
    level, depth = [tree], 0
    while level:
        depth += 1
        if depth > DEEPEST:
            raise Malformed(f"The body nests deeper than {DEEPEST}.")
        level = [inner for value in level for inner in _inside(value)]
    return tree


def _inside(value: Any) -> list[Any]:
    """Check one value; return the values that it contains, which are not checked yet."""
    if isinstance(value, dict):
        return [*value, *value.values()]
    if isinstance(value, list):
        return value
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, float) and not math.isfinite(value):
        raise Malformed("The body holds a number that is too large.")
    return []


def _check_text(text: str) -> None:
    if "\x00" in text:
        raise Malformed("The body holds the character NUL.")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise Malformed("The body holds half of a surrogate pair, which is no character.") from None


def _text(raw: bytes) -> str:
    if not raw.strip():
        raise Malformed("The body is empty; send a JSON object.")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = error.start - (raw.rfind(b"\n", 0, error.start) + 1) + 1
        raise Malformed(f"The body is not UTF-8: see line {line}, byte {column}.") from None


def _refuse(name: str) -> Any:
    raise Malformed(f"The body holds {name}, which JSON does not have.")
