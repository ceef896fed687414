"""Messages: a list of them, and one of them."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint
from flask.typing import ResponseReturnValue

from app.domain.words import Wanted, wanted
from app.errors import Invalid
from app.schemas.api.timeline import Happening
from app.schemas.normalized_message import normalized
from app.services.read_messages import Cursor, find_message, list_messages
from app.services.read_timeline import read_timeline
from app.store.message_list import MessageFilter
from app.web.api import paging
from app.web.auth import caller, requires
from app.web.context import gateway

bp = requires("read", Blueprint("messages", __name__, url_prefix="/api/messages"))

MOST_WORDS, SHORTEST_BEGINNING = 20, 3

_HAPPENING = Happening()


@bp.get("")
def index() -> ResponseReturnValue:
    """Newest first."""
    filters = MessageFilter(
        contact=paging.text("contact"),
        direction=paging.text("direction"),
        status=paging.text("status"),
        type=paging.text("type"),
        phone_number_id=paging.text("phone_number_id"),
        batch=paging.text("batch"),
        message_id=paging.text("message_id"),
        since=paging.time("since"),
        until=paging.time("until"),
        numbers=caller().numbers,
    )
    words = _words()
    found, after = list_messages(
        gateway().database, filters, words, limit=paging.limit(), before=_cursor(paging.cursor(), bool(words))
    )
    place = f"{after[0].isoformat()}|{after[1]}" if isinstance(after, tuple) else after
    return paging.page([normalized(each) for each in found], None if place is None else str(place))


@bp.get("/<path:message_id>")
def show(message_id: str) -> ResponseReturnValue:
    """One message, by our id or Meta's."""
    return normalized(find_message(gateway().database, message_id, caller().numbers))


@bp.get("/<path:message_id>/timeline")
def timeline(message_id: str) -> ResponseReturnValue:
    """Everything that happened to a message, oldest first."""
    happenings = read_timeline(gateway().database, message_id, caller().numbers)
    return paging.page(_HAPPENING.dump(happenings, many=True), None)


def _words() -> list[Wanted]:
    asked = paging.text("q")
    words = wanted(asked) if asked else []
    if asked and not words:
        raise Invalid(fields={"q": ["must hold a word to look for"]})
    if len(words) > MOST_WORDS:
        raise Invalid(fields={"q": [f"must be at most {MOST_WORDS} words"]})
    if any(word.is_beginning and len(word.word) < SHORTEST_BEGINNING for word in words):
        raise Invalid(fields={"q": [f"before a * there must be at least {SHORTEST_BEGINNING} letters"]})
    return words


def _cursor(text: str | None, for_words: bool) -> Cursor | None:
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
