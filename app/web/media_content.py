"""`/media/<id>`: the address of a file that messages carry, for a key, a person's session, or a signed link."""

from __future__ import annotations

from flask import Blueprint, g, request
from flask.typing import ResponseReturnValue

from app.errors import Unauthenticated
from app.services.registries import Caller
from app.web.auth import caller, header_key, identify, open_to_all, permit
from app.web.context import gateway
from app.web.files import FILE, answer_file, answer_thumbnail
from app.web.inbox.access import somebody
from app.web.openapi.operations import describe, given

# Three ways lead in, so the question who comes is asked here, of every request.
bp = open_to_all(Blueprint("media_content", __name__, url_prefix="/media"))

_LINK = (
    given("expires", "query", "Of a signed link.", required=False),
    given("signature", "query", "Of a signed link.", required=False),
)


@bp.before_request
def _enter() -> None:
    """Find who comes: by a link to this file, by a key with the scope `read`, or signed in to the inbox."""
    media_id = (request.view_args or {}).get("media_id", "")
    if gateway().media.links.opens(media_id, request.args):
        g.caller = Caller("signed link", frozenset({"read"}), None)
        return
    key = header_key()
    if key:
        identify(key)
        permit("read")
        return
    person = somebody()
    if person is None:
        raise Unauthenticated("Send an API key, or use a link that has not expired: `content.url` of the message.")
    numbers = None if person.numbers is None else tuple(sorted(person.numbers))
    g.caller = Caller(f"person:{person.id}", frozenset({"read"}), numbers)


@bp.get("/<media_id>")
@describe("openMedia", "Media", {200: FILE, 206: FILE}, parameters=_LINK, errors=(401, 410, 422, 429, 502, 503))
def show(media_id: str) -> ResponseReturnValue:
    """Open a file at the `content.url` of its message: with a key, signed in, or for an hour without."""
    return answer_file(gateway().media, gateway().media.find(media_id, caller().numbers))


@bp.get("/<media_id>/thumbnail")
@describe("openThumbnail", "Media", {200: FILE}, parameters=_LINK, errors=(401, 503))
def thumbnail(media_id: str) -> ResponseReturnValue:
    """Open the small JPEG of a picture."""
    return answer_thumbnail(gateway().media, gateway().media.find(media_id, caller().numbers))
