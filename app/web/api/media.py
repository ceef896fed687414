"""Files that customers sent, fetched from Meta for whoever may read."""

from __future__ import annotations

from flask import Blueprint
from flask.typing import ResponseReturnValue

from app.services.graph_proxy import ProxyCall
from app.web.auth import caller, requires
from app.web.context import gateway
from app.web.files import FILE, hand_on
from app.web.openapi.operations import describe

bp = requires("read", Blueprint("media", __name__, url_prefix="/api/media"))


@bp.get("/<media_id>/content")
@describe("downloadMedia", "Media", {200: FILE}, errors=(422, 429, 502, 503))
def content(media_id: str) -> ResponseReturnValue:
    """Download a file, by Meta's id, as `content.url` of a message says. Meta keeps it for some weeks."""
    return hand_on(gateway().graph_proxy.download(media_id, ProxyCall({}, numbers=caller().numbers)))
