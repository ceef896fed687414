"""Parse JSON from outside into data that every supported database can store.

PostgreSQL refuses NUL, both drivers refuse lone surrogates, SQLite overflows beyond 64 bits, and deep nesting breaks
recursive code. All of it is legal JSON, and anybody can write it into a message.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

from app.errors import Malformed

MAX_DEPTH = 64
"""Deeper objects and arrays are emptied. Meta's own bodies nest about twelve deep."""

_UNWANTED = re.compile("[\x00\ud800-\udfff]")
_REPLACEMENT = "\ufffd"

# An escaped NUL, a high surrogate without a low one after it, or a low one without a high one before it.
_SUSPECT = re.compile(
    rb"\\u(?:0000|[dD][89abAB]..(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB]..\\u)[dD][c-fC-F])",
    re.DOTALL,
)
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def decode(raw: bytes) -> Any:
    """Return the value of JSON bytes, safe to store and to traverse.

    NUL and lone surrogates become U+FFFD, as do bytes that are not UTF-8; integers beyond 64 bits become strings; `NaN`
    and infinities become null; objects and arrays deeper than `MAX_DEPTH` come empty; of a repeated key the last one
    counts; a byte order mark is skipped. Raises `Malformed`, and nothing else, for bytes that are not JSON or are
    nested too deeply to be parsed.
    """
    try:
        tree = _DECODER.decode(_text(raw))
    except (ValueError, RecursionError):
        raise Malformed("The bytes are not JSON.") from None  # the cause would quote the body
    if _needs_walk(raw):
        tree = _clean(tree)
    return tree


def _text(raw: bytes) -> str:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = raw.decode(errors="replace")
    return text.removeprefix("\ufeff")


def _needs_walk(raw: bytes) -> bool:
    """Return whether the bytes may need cleaning. A few scans in C save most bodies the slower traversal."""
    if raw.count(b"{") + raw.count(b"[") > MAX_DEPTH:
        return True
    if b"\\u" not in raw:
        return False
    # After an escaped backslash, text that looks like half of a surrogate pair may be plain letters.
    return bool(_SUSPECT.search(raw) or (b"\\\\" in raw and _SURROGATE.search(raw)))


def _clean(tree: Any) -> Any:
    """Clean a tree in place, level by level, without recursion."""
    root = [tree]
    level: list[Any] = [root]
    for _ in range(MAX_DEPTH + 1):
        level = [child for container in level for child in _clean_container(container)]
    for container in level:
        container.clear()
    return root[0]


def _clean_container(container: Any) -> list[Any]:
    """Clean the strings in a container; return the containers in it."""
    if isinstance(container, dict):
        _clean_keys(container)
        pairs: Any = container.items()
    else:
        pairs = enumerate(container)
    inner = []
    for key, value in pairs:
        if isinstance(value, str):
            if _UNWANTED.search(value):
                container[key] = _UNWANTED.sub(_REPLACEMENT, value)
        elif isinstance(value, (dict, list)):
            inner.append(value)
    return inner


def _clean_keys(container: dict[str, Any]) -> None:
    for key in [key for key in container if _UNWANTED.search(key)]:
        container[_UNWANTED.sub(_REPLACEMENT, key)] = container.pop(key)


def _integer(digits: str) -> int | str:
    if len(digits) < 19:
        return int(digits)
    if len(digits) > 20:
        return digits
    number = int(digits)
    return number if -(2**63) <= number < 2**63 else digits


def _float(digits: str) -> float | None:
    number = float(digits)
    return number if math.isfinite(number) else None


_DECODER = json.JSONDecoder(parse_int=_integer, parse_float=_float, parse_constant=lambda name: None)
