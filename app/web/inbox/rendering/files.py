"""Messages with a file, in both directions."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from app.web.inbox.rendering.parts import File
from app.web.inbox.rendering.values import number, obj, safe_url, text

KINDS = ("image", "video", "audio", "voice", "document", "sticker")

_OWN_PATH = re.compile(r"/(?:api/)?media/[A-Za-z0-9._-]{1,80}(?:/[a-z]{1,20})?")
_MIME = re.compile(r"[a-z]{1,20}/[a-z0-9.+-]{1,80}")

FileUrl = Callable[[dict[str, Any], str], str | None]
"""Takes the content of a file message and what is wanted (`content`, `thumbnail`); returns the page's path of it."""


def own_path(content: dict[str, Any], wanted: str) -> str | None:
    """Return the API's path of a file if the content has one of ours; no other address is ever loaded by a page."""
    path = text(content, "url")
    if wanted != "content" or not _OWN_PATH.fullmatch(path):
        return None
    return path


def read_file(kind: str, value: Any, url_of: FileUrl) -> File:
    """Return the file of a message, or of the header of a template."""
    content = obj(value)
    mime_type = text(content, "mime_type").partition(";")[0].strip().lower()
    size = number(content, "size") or number(content, "file_size")
    src = url_of(content, "content")
    return File(
        kind="voice" if kind == "audio" and content.get("voice") is True else kind,
        src=src,
        thumbnail=url_of(content, "thumbnail"),
        link=None if src else safe_url(content.get("link")),
        name=text(content, "filename")[:240],
        mime_type=mime_type if _MIME.fullmatch(mime_type) else "",
        size=int(size) if size is not None and 0 <= size < 1e12 else None,
        is_voice=kind == "voice" or content.get("voice") is True,
        state=text(content, "state")[:20],
        reason=text(content, "reason")[:300],
    )
