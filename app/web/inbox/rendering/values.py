"""Read values of JSON that anybody may have written: a wrong shape counts as absent, and nothing raises."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlsplit

LONGEST_TEXT = 65_536
LONGEST_JSON = 20_000
SCHEMES = frozenset({"http", "https", "mailto", "tel"})


def obj(value: Any, *path: str) -> dict[str, Any]:
    """Return the object at a path of keys; an empty one if there is none."""
    found = at(value, *path)
    return found if isinstance(found, dict) else {}


def items(value: Any, *path: str) -> Iterator[Any]:
    """Yield the items of the list at a path of keys; none if there is no list."""
    found = at(value, *path)
    yield from found if isinstance(found, list) else ()


def text(value: Any, *path: str) -> str:
    """Return the text at a path of keys, with numbers written out; empty if there is none."""
    found = at(value, *path)
    if isinstance(found, bool) or not isinstance(found, str | int | float):
        return ""
    return str(found)[:LONGEST_TEXT]


def number(value: Any, *path: str) -> float | None:
    """Return the finite number at a path of keys, also where it is written as text."""
    try:
        found = float(text(value, *path))
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def at(value: Any, *path: str) -> Any:
    """Return what is at a path of keys; None where the path leaves the objects."""
    for key in path:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def safe_url(value: Any) -> str | None:
    """Return an address that a link may lead to: http, https, mailto or tel, and nothing that a browser could read as
    another scheme. None for everything else."""
    if not isinstance(value, str) or not value.isprintable() or any(letter.isspace() for letter in value.strip()):
        return None
    address = value.strip()
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    if parts.scheme.lower() not in SCHEMES:
        return None
    is_web = parts.scheme.lower() in ("http", "https")
    return address if (parts.netloc if is_web else parts.path) else None


def phone_url(value: str) -> str | None:
    """Return the `tel:` address of a phone number as people write it; None if it has too few digits for one."""
    digits = "".join(letter for letter in value if letter.isascii() and letter.isdigit())
    if not 5 <= len(digits) <= 20:
        return None
    return f"tel:{'+' if value.strip().startswith('+') else ''}{digits}"


def mail_url(value: str) -> str | None:
    """Return the `mailto:` address of an e-mail address; None if it is none."""
    name, _, host = value.strip().partition("@")
    return f"mailto:{quote(name)}@{quote(host)}" if name and host and " " not in value.strip() else None


def pretty_json(value: Any) -> str:
    """Return a value as indented JSON, cut after 20,000 characters."""
    written = json.dumps(value, ensure_ascii=False, indent=2, default=str)
    return written if len(written) <= LONGEST_JSON else f"{written[:LONGEST_JSON]}\n…"
