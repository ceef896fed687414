"""Files of messages, for people who may see their numbers."""

from __future__ import annotations

from flask import Blueprint
from flask.typing import ResponseReturnValue

from app.web.context import gateway
from app.web.files import answer_file, answer_thumbnail
from app.web.inbox.access import pages
from app.web.inbox.team import numbers

bp = pages("agent", Blueprint("inbox_media", __name__, url_prefix="/inbox/media"))


@bp.get("/<media_id>")
def show(media_id: str) -> ResponseReturnValue:
    """Open a file, whole or a range of it."""
    return answer_file(gateway().media, gateway().media.find(media_id, numbers()))


@bp.get("/<media_id>/thumbnail")
def thumbnail(media_id: str) -> ResponseReturnValue:
    """Open the small picture of a file."""
    return answer_thumbnail(gateway().media, gateway().media.find(media_id, numbers()))
