"""Answer with files of messages: whole or a range, never as a page of this gateway.

Customers choose the content of files. So no answer names a type that a browser runs, and headers keep everything else
from running: whoever comes with a key, a session or a signed link gets the same answer.
"""

from __future__ import annotations

import io
import itertools
import re
from collections.abc import Iterator
from urllib.parse import quote

from flask import Response, request

from app.domain.media import MediaState, StoredMedia, safe_filename
from app.domain.media_types import EXTENSIONS, HEAD_BYTES, SHOWN, UNKNOWN, MediaType, detect
from app.graph.files import Download
from app.services.media import ReadMedia
from app.web.openapi.operations import Bytes

_OFFICE = "application/vnd.openxmlformats-officedocument."
FILE = Bytes(
    (
        "application/octet-stream", "image/jpeg", "image/png", "image/webp", "audio/aac", "audio/amr", "audio/mpeg",
        "audio/mp4", "audio/ogg", "video/mp4", "video/3gpp", "application/pdf", "application/msword",
        "application/vnd.ms-excel", "application/vnd.ms-powerpoint", f"{_OFFICE}wordprocessingml.document",
        f"{_OFFICE}spreadsheetml.sheet", f"{_OFFICE}presentationml.presentation", "text/plain", "*/*",
    )
)  # fmt: skip
"""The media types that Meta documents (Meta: reference/media). As documents, customers may send any other type."""

_PAGES = frozenset({"text/html", "image/svg+xml", "application/xml"})
_CACHED = "private, max-age=300"
_RANGE = re.compile(r"\s*bytes\s*=\s*(?:([0-9]{1,18})\s*-\s*([0-9]{1,18})?|-\s*([0-9]{1,18}))\s*", re.IGNORECASE)
STATE = "X-Media-State"
"""The header that says where the bytes come from: `stored`, or what the file's state is while Meta gives it."""


def answer_file(read: ReadMedia, found: StoredMedia) -> Response:
    """Return the response with a file's content: from the vault with ranges, else from Meta as it comes.

    Raises what `ReadMedia.open_anywhere` raises.
    """
    if found.key is None:
        return _from_meta(read, found)
    kind = MediaType((found.mime_type or UNKNOWN))
    response = Response(status=200, headers=_headers(found.full_type or UNKNOWN, kind, found))
    response.set_etag(found.sha256 or "")
    response.accept_ranges = "bytes"
    response.headers["Cache-Control"] = _CACHED
    if found.stored_at is not None:
        response.last_modified = found.stored_at
    if request.if_none_match.contains_weak(found.sha256 or ""):
        response.status_code = 304
        return response
    size = found.size or 0
    wanted = _range(size, found.sha256 or "")
    if wanted is not None and wanted[0] >= wanted[1]:
        response.status_code = 416
        response.headers["Content-Range"] = f"bytes */{size}"
        response.headers["Content-Length"] = "0"
        return response
    start, end = wanted or (0, size)
    if wanted is not None:
        response.status_code = 206
        response.headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    response.headers["Content-Length"] = str(end - start)
    if request.method != "HEAD":
        opened = read.open(found, start, end - start)
        response.response = opened
        response.call_on_close(opened.close)
    return response


def answer_thumbnail(read: ReadMedia, found: StoredMedia) -> Response:
    """Return the response with a picture's small JPEG. Raises `NotFound` if it has none (yet)."""
    opened = read.open_thumbnail(found)
    response = Response(opened, 200, _headers("image/jpeg", MediaType("image/jpeg"), found))
    response.call_on_close(opened.close)
    response.headers["Cache-Control"] = _CACHED
    return response


def hand_on(found: Download) -> Response:
    """Return a response that streams a file while it is downloaded from Meta, of which nothing is known here."""
    headers = _guards() | {"Content-Disposition": "attachment"}
    if found.size is not None:
        headers["Content-Length"] = str(found.size)
    response = Response(iter(found), 200, headers, content_type=found.mime_type)
    response.call_on_close(found.close)
    return response


def _from_meta(read: ReadMedia, found: StoredMedia) -> Response:
    pieces = read.open_anywhere(found)
    head, rest = _head(pieces)
    kind = detect(io.BytesIO(head), found.mime_type, found.filename)
    response = Response(itertools.chain([head], rest), 200, _headers(str(kind), kind, found))
    response.headers["Accept-Ranges"] = "none"
    response.headers["Cache-Control"] = "no-store"
    close = getattr(pieces, "close", None)
    if close is not None:
        response.call_on_close(close)
    return response


def _head(pieces: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """Return the first bytes, enough to tell the type, and the rest."""
    head = b""
    while len(head) < HEAD_BYTES and (piece := next(pieces, b"")):
        head += piece
    return head, pieces


def _headers(full_type: str, kind: MediaType, found: StoredMedia) -> dict[str, str]:
    name = safe_filename(found.filename, kind.extension, f"{kind.family}-{found.id[:8]}")
    how = "inline" if kind.mime_type in SHOWN else "attachment"
    ascii_name = re.sub(r'[^ -~]|["%\\]', "_", name)
    return _guards() | {
        "Content-Type": _told(full_type, kind.mime_type),
        # RFC 6266: old clients read the first name, all others the second.
        "Content-Disposition": f"{how}; filename=\"{ascii_name}\"; filename*=UTF-8''{quote(name, safe='')}",
        STATE: MediaState(found.state).value,
    }


def _told(full_type: str, mime_type: str) -> str:
    if mime_type in SHOWN:
        return full_type
    if mime_type in _PAGES or mime_type not in EXTENSIONS:
        return UNKNOWN
    return f"{mime_type}; charset=utf-8" if mime_type.startswith("text/") else mime_type


def _guards() -> dict[str, str]:
    return {
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }


def _range(size: int, etag: str) -> tuple[int, int] | None:
    """Return first byte and end of the range that is asked for; None for the whole file, as for several ranges.

    `If-Range` with another ETag, or with a time, asks for the whole (RFC 9110, 13.1.5: a weak comparison does not do).
    """
    asked = _RANGE.fullmatch(request.headers.get("Range", ""))
    condition = request.headers.get("If-Range")
    if asked is None or (condition is not None and condition.strip() != f'"{etag}"'):
        return None
    first, last, suffix = asked.groups()
    if suffix is not None:
        return max(size - int(suffix), 0) if int(suffix) else size, size
    end = size if last is None else min(int(last) + 1, size)
    if last is not None and int(last) < int(first):
        return None  # not a range at all (RFC 9110, 14.1.1)
    return int(first), end
