"""Events: newest first, or from a cursor in the order in which they happened."""

from __future__ import annotations

import time
from collections.abc import Sequence

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from app.models import Event
from app.process.echo_bot import ECHO_BOT, HEADER, has_reader, note_reader
from app.schemas.api.event_types import EventList
from app.schemas.api.events import LONGEST_WAIT_SECONDS, EventQuery
from app.schemas.event_body import event_body
from app.services.events import Filter, Place, list_after, list_newest, newest_place
from app.web.api import paging
from app.web.auth import caller, requires
from app.web.connections import disconnect_check
from app.web.context import gateway
from app.web.openapi.operations import describe
from app.web.query import query

bp = requires("read", Blueprint("events", __name__, url_prefix="/api/events"))


@bp.get("")
@describe("listEvents", "Events", {200: EventList}, query=EventQuery, errors=(410, 429, 503))
def index() -> ResponseReturnValue:
    """List events, newest first; or, with `after`, ascending and without gaps.

    `after` is a `next_cursor`, 0 for the beginning, or `newest`. `wait` says for how many seconds to wait for the next
    one, and `next_cursor` is always where to go on. 410 is for a cursor whose event this database does not have;
    `error.meta.start` is where to go on.
    """
    numbers = caller().numbers
    wanted = Filter(query().get("type"), numbers, gateway().directory.current.accounts_of(numbers))
    if "after" not in query():
        return _newest_first(wanted)
    asked = query()["after"]
    after = newest_place(gateway().database) if asked is None else Place(*asked)
    mark = request.headers.get(HEADER)
    if gateway().config.starts_echo_bot and mark is None:
        note_reader(time.time())
    found = _after(wanted, after)
    if found and mark == ECHO_BOT and _somebody_answers():
        after, found = Place.of(found[-1]), []
    return _answer(found, str(Place.of(found[-1]) if found else after))


def _after(wanted: Filter, after: Place) -> Sequence[Event]:
    limit, seconds = query()["limit"], min(query().get("wait", 0), LONGEST_WAIT_SECONDS)
    if not seconds:
        return list_after(gateway().database, wanted, limit=limit, after=after)
    return gateway().event_waiters.wait(
        wanted, limit=limit, after=after, seconds=seconds, key=caller().name, has_left=disconnect_check()
    )


def _somebody_answers() -> bool:
    """Whether another than our echo bot may answer customers: whoever reads events lately, or an app with replies."""
    return has_reader(time.time()) or any(each.is_bot for each in gateway().endpoints.current)


def _newest_first(wanted: Filter) -> Response:
    limit, cursor = query()["limit"], query().get("cursor")
    if cursor is not None and (not cursor.isascii() or not cursor.isdigit() or len(cursor) > 18):
        raise paging.bad_cursor()
    found = list_newest(gateway().database, wanted, limit=limit, before=int(cursor) if cursor else None)
    return _answer(found, paging.encoded(str(found[-1].sequence) if len(found) == limit else None))


def _answer(found: Sequence[Event], next_cursor: str | None) -> Response:
    """What is kept as JSON goes out as it is, but for the links to files, which are made anew."""
    end = "null" if next_cursor is None else f'"{next_cursor}"'
    body = b'{"data":[%s],"next_cursor":%s}\n' % (b",".join(event_body(each) for each in found), end.encode())
    return Response(gateway().media.links.in_body(body), mimetype="application/json")
