"""Stream customers' files to callers while they are downloaded from Meta."""

from __future__ import annotations

from flask import Response

from app.graph.files import Download
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


def hand_on(found: Download) -> Response:
    """Return a response that streams a file. Customers choose its content, so the headers prevent a browser from
    showing it as a page of this gateway."""
    headers = {
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Content-Disposition": "attachment",
        "X-Content-Type-Options": "nosniff",
    }
    if found.size is not None:
        headers["Content-Length"] = str(found.size)
    response = Response(iter(found), 200, headers, content_type=found.mime_type)
    response.call_on_close(found.close)
    return response
