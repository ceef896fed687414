"""The page of one message: what it is, what can be done, and everything that happened to it."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from flask import Response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from app.models import Endpoint
from app.schemas.api.timeline import Happening as HappeningAnswer
from app.schemas.normalized_message import normalized
from app.services.messages import find_message, read_timeline
from app.services.sending import CANCELLABLE, MARKABLE, RETRIABLE
from app.web.context import gateway
from app.web.inbox.access import person
from app.web.inbox.house.blueprint import seen_numbers
from app.web.inbox.rendering.failures import explain
from app.web.inbox.stories.blueprint import bp
from app.web.inbox.stories.telling import tell

_HAPPENING = HappeningAnswer()


@bp.get("/<path:message_id>")
def show(message_id: str) -> ResponseReturnValue:
    """Show what happened to a message."""
    message = find_message(gateway().database, message_id, seen_numbers())
    if message.id != message_id:
        return redirect(url_for(".show", message_id=message.id), 303)  # a wamid stays out of addresses
    happenings = read_timeline(gateway().database, message.id, seen_numbers())
    rows = gateway().manage_endpoints.list()
    may_send = message.direction == "outbound" and message.source == "live"
    return render_template(
        "inbox/stories/show.html",
        message=message,
        steps=tell(happenings, {row.id: _name(row) for row in rows}),
        endpoints=[(row.id, _name(row)) for row in rows],
        failure=explain(message.status, message.error),
        text=_as_json(message, happenings),
        may_retry=may_send and message.status in RETRIABLE,
        may_cancel=may_send and message.status in CANCELLABLE,
        may_mark=may_send and message.status in MARKABLE,
        is_admin=person().may("admin"),
    )


@bp.get("/<message_id>/story.json")
def story_json(message_id: str) -> ResponseReturnValue:
    """Download the message and its timeline, as the API answers them."""
    message = find_message(gateway().database, message_id, seen_numbers())
    happenings = read_timeline(gateway().database, message.id, seen_numbers())
    response = Response(_as_json(message, happenings), mimetype="application/json")
    response.headers["Content-Disposition"] = f'attachment; filename="message-{message.id}.json"'
    return response


def _as_json(message: Any, happenings: Any) -> str:
    data = {"message": normalized(message), "timeline": _HAPPENING.dump(happenings, many=True)}
    return json.dumps(data, indent=2, ensure_ascii=False)


def _name(row: Endpoint) -> str:
    """Return what an endpoint is called: its description, its host, or the handler's name. A URL may hold a secret."""
    return row.description or urlsplit(row.url).hostname or row.url
