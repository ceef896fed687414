"""News for open pages: a stream of events, or the same by polling, where no stream holds.

Both tell `conversations` (ids of those that changed; null: look at all), `presence` (who has which conversation open,
and types), and the counts `unread` and `waiting` for the title.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from app.errors import Unavailable
from app.services.conversations import Listener, NewsPlace
from app.web.context import gateway
from app.web.inbox.access import pages, person, still_signed_in
from app.web.inbox.team import numbers

BEAT_SECONDS = 15.0
"""A stream that is silent for longer is cut by proxies (Heroku's after 55 s), and so a browser that has gone is
noticed. It also ends then if the person may no longer see what they see."""

RETRY = b"retry: 3000\n\n"
"""How long a browser waits before it comes back. Small and at once: some proxies decide by the first bytes whether to
hold an answer back until they have more."""

BEAT = b"event: beat\ndata: {}\n\n"
STREAM = "text/event-stream"
HEADERS = {"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}

bp = pages("agent", Blueprint("inbox_live", __name__, url_prefix="/inbox"))


@bp.get("/live")
def index() -> ResponseReturnValue:
    """Stream news, or answer those since the last poll.

    A stream goes on from `Last-Event-ID` or `after`, a poll from the ETag that `If-None-Match` gives back or from
    `after`; without, everything is new. 204 tells a browser not to try a stream again.
    """
    wants_stream = request.accept_mimetypes.best_match([STREAM, "application/json"]) == STREAM
    if wants_stream:
        return _stream() if can_stream() else ("", 204)
    return _poll()


@bp.post("/<string(length=36):conversation_id>/presence")
def presence(conversation_id: str) -> ResponseReturnValue:
    """Note that the person has a conversation open: `typing` is 1 while they type; `gone` is 1 when they leave."""
    if request.form.get("gone") == "1":
        gateway().note_presence.leave(conversation_id, person())
    else:
        gateway().note_presence(conversation_id, person(), typing=request.form.get("typing") == "1")
    return "", 204


def can_stream() -> bool:
    """Return whether this process serves thousands of connections at once, as under gevent. Elsewhere each stream would
    occupy a thread or a whole process."""
    monkey = sys.modules.get("gevent.monkey")
    return monkey is not None and bool(monkey.is_module_patched("threading"))


def _stream() -> Response:
    place = NewsPlace.read(request.headers.get("Last-Event-ID") or request.args.get("after"))
    mine, services = numbers(), gateway()
    stack = ExitStack()
    try:
        # Registered before the first news are read, so that nothing is missed between.
        listener = stack.enter_context(services.live_news.listen(person().id, mine))
        first = services.news.since(place)
        response = Response(
            _parts(listener, (str(first.place), first.text(mine)), still_signed_in()), mimetype=STREAM, headers=HEADERS
        )
    except BaseException:
        stack.close()
        raise
    response.call_on_close(stack.close)
    return response


def _parts(listener: Listener, first: tuple[str, str], may_stay: Callable[[], bool]) -> Iterator[bytes]:
    yield RETRY
    yield _event(first)
    checked_at = time.monotonic()
    while not listener.is_over:
        found = listener.next(BEAT_SECONDS)
        if time.monotonic() - checked_at >= BEAT_SECONDS:
            if not _may_stay(may_stay):
                return
            checked_at = time.monotonic()
        if found is not None:
            yield _event(found)
        elif not listener.is_over:
            yield BEAT


def _may_stay(ask: Callable[[], bool]) -> bool:
    try:
        return ask()
    except Unavailable:
        return True  # nobody can be asked now, and nothing is told meanwhile either


def _event(news: tuple[str, str]) -> bytes:
    cursor, text = news
    return f"id: {cursor}\nevent: news\ndata: {text}\n\n".encode()


def _poll() -> Response:
    news = gateway().news
    _, mark = news.state()
    asked = [tag for tag in request.if_none_match.as_set(include_weak=True) if tag]
    if mark in asked:
        response = Response(status=304)
    else:
        place = NewsPlace.read(_cursor_of(asked[0]) if asked else request.args.get("after"))
        response = Response(news.since(place).text(numbers()), mimetype="application/json")
    response.set_etag(mark)
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def _cursor_of(mark: str) -> str:
    """Return the cursor in an ETag: what comes before the hash."""
    return mark.rpartition("-")[0]
