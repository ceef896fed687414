"""Messages: a list of them, and one of them."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint
from flask.typing import ResponseReturnValue

from app.schemas.api.lists import list_of
from app.schemas.api.messages import MessageQuery
from app.schemas.api.timeline import Happening, Timeline
from app.schemas.normalized_message import NormalizedMessage, normalized
from app.services.messages import Cursor, find_message, list_messages, read_timeline
from app.store.message_list import MessageFilter
from app.web.api import paging
from app.web.auth import caller, requires
from app.web.context import gateway
from app.web.openapi.operations import describe
from app.web.query import query

bp = requires("read", Blueprint("messages", __name__, url_prefix="/api/messages"))

_HAPPENING = Happening()


@bp.get("")
@describe("listMessages", "Messages", {200: list_of(NormalizedMessage)}, query=MessageQuery)
def index() -> ResponseReturnValue:
    """List messages, newest first."""
    asked = dict(query())
    limit, words = asked.pop("limit"), asked.pop("q", [])
    before = read_cursor(asked.pop("cursor", None), bool(words))
    filters = MessageFilter(**asked, numbers=caller().numbers)
    found, after = list_messages(gateway().database, filters, words, limit=limit, before=before)
    data = [gateway().media.links.in_message(normalized(each)) for each in found]
    return paging.page(data, cursor_place(after))


@bp.get("/<path:message_id>")
@describe("getMessage", "Messages", {200: NormalizedMessage})
def show(message_id: str) -> ResponseReturnValue:
    """Show one message, by our id or Meta's."""
    found = find_message(gateway().database, message_id, caller().numbers)
    return gateway().media.links.in_message(normalized(found))


@bp.get("/<path:message_id>/timeline")
@describe("getMessageTimeline", "Messages", {200: Timeline})
def timeline(message_id: str) -> ResponseReturnValue:
    """Show everything that happened to a message, oldest first."""
    happenings = read_timeline(gateway().database, message_id, caller().numbers)
    return paging.page(_HAPPENING.dump(happenings, many=True), None)


def cursor_place(after: Cursor | None) -> str | None:
    """Return the end of a page as the text that is encoded in its cursor."""
    if isinstance(after, tuple):
        return f"{after[0].isoformat()}|{after[1]}"
    return None if after is None else str(after)


def read_cursor(text: str | None, for_words: bool) -> Cursor | None:
    """Return the end of a page from its text. Raises `Invalid`."""
    if text is None:
        return None
    if for_words and text.isascii() and text.isdigit() and len(text) < 20 and int(text) < 2**63:
        return int(text)
    timestamp, _, message_id = text.partition("|")
    try:
        found = datetime.fromisoformat(timestamp)
    except ValueError:
        raise paging.bad_cursor() from None
    if found.tzinfo is None or not message_id.isprintable():
        raise paging.bad_cursor()
    return found, message_id
