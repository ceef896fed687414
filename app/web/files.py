"""Files of customers, handed on while they are fetched."""

from __future__ import annotations

from flask import Response

from app.graph.files import Download


def hand_on(found: Download) -> Response:
    """The bytes of a file as an answer. Customers choose what is in it: no browser shall show it as a page of ours."""
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
