"""What Graph knows of a file: where it can be fetched for some minutes, and what it should be.

Source: Meta, business-phone-numbers/media.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from app.errors import GraphRefused, GraphUnknown
from app.graph.client import GraphClient

_ID = re.compile(r"[0-9]{1,30}")


@dataclass(frozen=True, slots=True)
class MetaFile:
    """A file at Meta. `url` works for five minutes and with the number's token only; `sha256` is as Graph writes it."""

    url: str
    mime_type: str | None = None
    sha256: str | None = None
    size: int | None = None


def look_up(graph: GraphClient, media_id: str, phone_number_id: str, token: str) -> MetaFile:
    """Return a file of a business number by Meta's id. Raises as `GraphClient` does."""
    if not _ID.fullmatch(media_id):
        raise GraphRefused("The id of the file is none of Meta's.")
    answer: Any = graph.request("GET", media_id, token=token, params={"phone_number_id": phone_number_id})
    url = answer.get("url") if isinstance(answer, dict) else None
    if not isinstance(url, str) or not url:
        raise GraphUnknown(meta={"reason": "no url in Graph's answer"})
    size = answer.get("file_size")
    return MetaFile(
        url, _text(answer.get("mime_type")), _text(answer.get("sha256")),
        int(size) if isinstance(size, int | str) and str(size).isdecimal() else None,
    )  # fmt: skip


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
