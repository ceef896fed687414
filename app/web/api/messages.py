"""Messages: a list of them, and one of them."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint
from flask.typing import ResponseReturnValue

from app.schemas.api.timeline import Happening
from app.schemas.normalized_message import NormalizedMessage
from app.services.read_messages import find_message, list_messages
from app.services.read_timeline import read_timeline
from app.store.messages import MessageFilter
from app.web.api import paging
from app.web.auth import caller, requires
from app.web.context import gateway

bp = requires("read", Blueprint("messages", __name__, url_prefix="/api/messages"))

_SCHEMA = NormalizedMessage()
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
        message_id=paging.text("message_id"),
        since=paging.time("since"),
        until=paging.time("until"),
        numbers=caller().numbers,
    )
    limit = paging.limit()
    found = list_messages(gateway().database, filters, limit=limit, before=_place(paging.cursor()))
    last = found[-1] if len(found) == limit else None
    place = f"{last.timestamp.isoformat()}|{last.id}" if last else None
    return paging.page([_SCHEMA.dump(each) for each in found], place)


@bp.get("/<path:message_id>")
def show(message_id: str) -> ResponseReturnValue:
    """One message, by our id or Meta's."""
    found: dict[str, object] = _SCHEMA.dump(find_message(gateway().database, message_id, caller().numbers))
    return found


@bp.get("/<path:message_id>/timeline")
def timeline(message_id: str) -> ResponseReturnValue:
    """Everything that happened to a message, oldest first."""
    happenings = read_timeline(gateway().database, message_id, caller().numbers)
    return paging.page(_HAPPENING.dump(happenings, many=True), None)


def _place(cursor: str | None) -> tuple[datetime, str] | None:
    if cursor is None:
        return None
    timestamp, _, message_id = cursor.partition("|")
    try:
        found = datetime.fromisoformat(timestamp)
    except ValueError:
        raise paging.bad_cursor() from None
    if found.tzinfo is None or not message_id.isprintable():
        raise paging.bad_cursor()
    return found, message_id
