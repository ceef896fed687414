"""Events: newest first, or from a cursor in the order in which they happened."""

from __future__ import annotations

import time
from typing import Any

from flask import Blueprint
from flask.typing import ResponseReturnValue

from app import lifecycle
from app.models import Event
from app.schemas.api.events import LONGEST_WAIT_SECONDS, EventAnswer
from app.services.read_events import list_events, newest_place
from app.web.api import paging
from app.web.auth import caller, requires
from app.web.context import gateway
from app.web.query import query

LOOK_SECONDS = 0.1

bp = requires("read", Blueprint("events", __name__, url_prefix="/api/events"))

_SCHEMA = EventAnswer()


@bp.get("")
def index() -> ResponseReturnValue:
    """Newest first; or, with `after` (a `next_cursor`, 0 for the beginning, or `newest`), ascending and without gaps.

    Then `wait` says for how many seconds to wait for the next one, and `next_cursor` is always where to go on.
    """
    if "after" not in query():
        return _newest_first()
    after = _place()
    deadline = time.monotonic() + min(query().get("wait", 0), LONGEST_WAIT_SECONDS)
    while True:
        found = _list(after=after)
        if found or time.monotonic() >= deadline or lifecycle.is_draining():
            break
        time.sleep(LOOK_SECONDS)
    return {"data": _SCHEMA.dump(found, many=True), "next_cursor": str(found[-1].sequence if found else after)}


def _newest_first() -> dict[str, Any]:
    limit, cursor = query()["limit"], query().get("cursor")
    if cursor is not None and (not cursor.isascii() or not cursor.isdigit() or len(cursor) > 18):
        raise paging.bad_cursor()
    found = _list(before=int(cursor) if cursor else None)
    return paging.page(_SCHEMA.dump(found, many=True), str(found[-1].sequence) if len(found) == limit else None)


def _place() -> int:
    after = query()["after"]
    return newest_place(gateway().database) if after is None else int(after)


def _list(*, after: int | None = None, before: int | None = None) -> list[Event]:
    return list_events(
        gateway().database,
        limit=query()["limit"],
        after=after,
        before=before,
        type=query().get("type"),
        numbers=caller().numbers,
    )
