"""Files of messages: what is known of them, and their content."""

from __future__ import annotations

from typing import Any

from flask import Blueprint
from flask.typing import ResponseReturnValue

from app.schemas.api.lists import list_of
from app.schemas.api.media import MediaAnswer, MediaQuery
from app.web.api import paging
from app.web.auth import caller, requires
from app.web.context import gateway
from app.web.files import FILE, answer_file
from app.web.openapi.operations import describe
from app.web.query import query

bp = requires("read", Blueprint("media", __name__, url_prefix="/api/media"))

_ANSWER = MediaAnswer()


@bp.get("")
@describe("listMedia", "Media", {200: list_of(MediaAnswer)}, query=MediaQuery)
def index() -> ResponseReturnValue:
    """List files, newest first, in either direction."""
    asked = dict(query())
    limit, before = asked.pop("limit"), asked.pop("cursor", None)
    found = gateway().media.page(caller().numbers, asked, before, limit)
    place = found[-1].id if len(found) == limit else None
    return paging.page(_ANSWER.dump([shown(each) for each in found], many=True), place)


@bp.get("/<media_id>")
@describe("getMedia", "Media", {200: MediaAnswer})
def show(media_id: str) -> ResponseReturnValue:
    """Show what is known of a file, by our id or Meta's."""
    found: dict[str, Any] = _ANSWER.dump(shown(gateway().media.find(media_id, caller().numbers)))
    return found


@bp.get("/<media_id>/content")
@describe("downloadMedia", "Media", {200: FILE, 206: FILE}, errors=(410, 422, 429, 502, 503))
def content(media_id: str) -> ResponseReturnValue:
    """Download a file, whole or one range of it; from Meta while it is not stored here."""
    return answer_file(gateway().media, gateway().media.find(media_id, caller().numbers))


def shown(found: Any) -> dict[str, Any]:
    """Return the values of `MediaAnswer` for a file."""
    links = gateway().media.links
    link = links.link(found.id)
    path, _, signature = link.partition("?")
    names = (
        "id", "direction", "state", "reason", "phone_number_id", "message_id", "meta_media_id", "mime_type", "size",
        "sha256", "filename", "created_at", "stored_at", "expires_at",
    )  # fmt: skip
    small = f"{path}/thumbnail?{signature}" if found.thumbnail_key else None
    return {name: getattr(found, name) for name in names} | {"url": link, "thumbnail_url": small}
