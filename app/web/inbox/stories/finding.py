"""The box “what happened to this message?”: an id, a phone number or words."""

from __future__ import annotations

from typing import Any

from flask import render_template, request
from flask.typing import ResponseReturnValue

from app.errors import Invalid
from app.schemas.api.messages import MessageQuery
from app.services.messages import list_messages
from app.store.message_list import MessageFilter
from app.web.api import paging
from app.web.api.messages import cursor_place, read_cursor
from app.web.context import gateway
from app.web.inbox.house.blueprint import seen_numbers
from app.web.inbox.house.forms import read_query
from app.web.inbox.stories.blueprint import bp
from app.web.inbox.stories.telling import status_words

PAGE_SIZE = 30
FILTERS = ("status", "batch", "direction")
"""Other parameters that links of other pages set."""


@bp.get("")
def index() -> ResponseReturnValue:
    """Search for a message; without words, show the newest ones."""
    kept = {name: request.args[name] for name in FILTERS if request.args.get(name)}
    facts: dict[str, Any] = {"text": request.args.get("find", "").strip()[:1000], "kept": kept}
    try:
        asked = _asked()
    except Invalid as wrong:
        problems = [said for each in (wrong.fields or {}).values() for said in each]
        return render_template("inbox/stories/find.html", messages=[], problems=problems, **facts), 422
    words, cursor = asked.pop("q", []), asked.pop("cursor", None)
    asked.pop("limit", None)
    filters = MessageFilter(**asked, numbers=seen_numbers())
    found, after = list_messages(
        gateway().database, filters, words, limit=PAGE_SIZE, before=read_cursor(cursor, bool(words))
    )
    return render_template(
        "inbox/stories/find.html", messages=found, problems=[], next_cursor=paging.encoded(cursor_place(after)), **facts
    )


def _asked() -> dict[str, Any]:
    """Return what the query asks for; an empty box is no question. Raises `Invalid`."""
    if request.args.get("find", "x").strip():
        return read_query(MessageQuery())
    return read_query(MessageQuery(exclude=("find",)))


@bp.app_context_processor
def helpers() -> dict[str, Any]:
    """Give templates the names of statuses."""
    return {"status_words": status_words}
