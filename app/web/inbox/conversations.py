"""The pages of conversations: the list, one conversation, and the pieces of both that scripts fetch."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.services.conversations import Conversation, Thread, ThreadMessage
from app.store.conversation_list import Place
from app.web.context import gateway
from app.web.inbox.access import pages, person
from app.web.inbox.asked import Asked
from app.web.inbox.conversation_urls import ConversationUrls, MessageLinks, file_url
from app.web.inbox.filters import filters_of
from app.web.inbox.icons import sprite
from app.web.inbox.languages import day_words, when, zone
from app.web.inbox.listing import Row, last_words, row
from app.web.inbox.rendering import one_line
from app.web.inbox.side_panel import panel
from app.web.inbox.team import names, numbers, people
from app.web.inbox.thread_view import Reader, items

ROWS, MESSAGES = 40, 50
REACTIONS = ("👍", "❤️", "😂", "😮", "😢", "🙏")

bp = pages("agent", Blueprint("inbox_conversations", __name__, url_prefix="/inbox"))


@bp.get("", strict_slashes=False)
def index() -> ResponseReturnValue:
    """Show the list."""
    asked = Asked.read(request.args)
    return render_template("inbox/conversations.html", title=_("Conversations"), thread=None, **_list(asked))


@bp.get("/rows")
def rows() -> ResponseReturnValue:
    """Show the rows of the list."""
    return render_template("inbox/list/rows.html", **_list(Asked.read(request.args), only_rows=True))


@bp.get("/<string(length=36):conversation_id>")
def show(conversation_id: str) -> ResponseReturnValue:
    """Show a conversation, opened at its newest message, or at the one that `around` names."""
    return page(conversation_id)


@bp.get("/<string(length=36):conversation_id>/messages")
def messages(conversation_id: str) -> ResponseReturnValue:
    """Show a part of a thread: its newest messages, or those before or after one."""
    asked = Asked.read(request.args)
    found = _thread(conversation_id)
    return render_template("inbox/thread/messages.html", **_messages(found, asked))


@bp.get("/<string(length=36):conversation_id>/message/<message_id>")
def message(conversation_id: str, message_id: str) -> ResponseReturnValue:
    """Go to a message in its thread."""
    found = gateway().threads.message(conversation_id, message_id, numbers()).message.id
    asked = Asked.read(request.args).query()
    address = url_for("inbox_conversations.show", conversation_id=conversation_id, around=found, **asked)
    return redirect(f"{address}#m-{found}", 302)


def page(conversation_id: str, status: int = 200, **more: Any) -> ResponseReturnValue:
    """Return the page of a conversation, or for a script its pane; `more` goes to the composer.

    The composer takes `problem` (a sentence), `crossing` (what others answered meanwhile) and `draft`.
    """
    asked = Asked.read(request.args)
    found = _thread(conversation_id)
    urls = ConversationUrls(found.conversation.id, asked)
    shown = row(found.conversation, urls.of, names(), gateway().now())
    values: dict[str, Any] = {
        **_messages(found, asked),
        **panel(found.conversation),
        "title": shown.name,
        "thread": found,
        "row": shown,
        "urls": urls,
        "open_id": shown.id,
        "show_panel": "panel" in request.args,
        "key": str(uuid.uuid4()),
        "seen": _newest(found),
        "reply_to": _quoted(found, request.args.get("reply", "")),
        "react_to": request.args.get("react", "")[:36],
        "reaction_choices": REACTIONS,
        "draft": "",
        "problem": "",
        "crossing": (),
        **more,
    }
    if "X-Inbox-Part" in request.headers:
        return render_template("inbox/thread/pane.html", when=when, **values), status
    return render_template("inbox/conversations.html", **{**_list(asked), **values}), status


def _list(asked: Asked, *, only_rows: bool = False) -> dict[str, Any]:
    """Return what the list shows."""
    mine, me, now = numbers(), person(), gateway().now()
    found, following = gateway().conversations.list(
        asked.filter(me.id, mine), asked.search or None, limit=ROWS, before=_cursor(request.args.get("cursor"))
    )
    shown, named = ConversationUrls("", asked), names()
    values: dict[str, Any] = {
        "rows": [row(each, shown.of, named, now) for each in found],
        "is_filtered": asked != Asked(),
        "older_url": _older_rows(asked, following),
        "open_id": None,
        "when": when,
        "me": me,
    }
    if only_rows:
        return values
    return {
        **values,
        **filters_of(asked, mine, named),
        "rows_url": url_for("inbox_conversations.rows", **asked.query()),
        "live_url": url_for("inbox_live.index"),
        "search": asked.search,
        "sprite": sprite,
    }


def _messages(found: Thread, asked: Asked) -> dict[str, Any]:
    """Return what a part of a thread shows."""
    conversation = found.conversation
    number = conversation.phone_number_id

    def template(name: str, language: str) -> Any:
        known = gateway().templates.look(number, name, language)
        return None if known is None else {"components": list(known.components)}

    ids = [each.message.id for each in found.items if isinstance(each, ThreadMessage)]
    reader = Reader(
        zone=zone(),
        day_words=day_words,
        people=people(),
        me=person().id,
        template=template,
        file_url=file_url,
        files=gateway().media.of_messages(ids),
    )
    urls = ConversationUrls(conversation.id, asked)
    return {
        "items": items(found, reader, gateway().now(), conversation.unread),
        "older_url": urls.messages_before(found.before) if found.before else None,
        "newer_url": urls.messages_after(found.after) if found.after else None,
        "links": MessageLinks(conversation.id, asked),
        "contact_name": row(conversation, urls.of, names(), gateway().now()).name,
    }


def _thread(conversation_id: str) -> Thread:
    places = {name: request.args[name][:36] for name in ("before", "after", "around") if request.args.get(name)}
    return gateway().threads(conversation_id, numbers(), limit=MESSAGES, **dict(list(places.items())[:1]))


def _newest(found: Thread) -> str:
    """Return the id of the newest message that this page shows."""
    shown = [each.message.id for each in found.items if isinstance(each, ThreadMessage)]
    return shown[-1] if shown else ""


def _quoted(found: Thread, message_id: str) -> dict[str, str] | None:
    for each in found.items:
        if isinstance(each, ThreadMessage) and each.message.id == message_id and each.message.message_id:
            return {"id": message_id, "text": one_line(last_words(each.message.message_type, each.message.message))}
    return None


def _older_rows(asked: Asked, place: Place | None) -> str | None:
    if place is None:
        return None
    cursor = f"{place[0].isoformat()}|{place[1]}"
    name = "rows" if "X-Inbox-Part" in request.headers else "index"
    return url_for(f"inbox_conversations.{name}", cursor=cursor, **asked.query())


def _cursor(text: str | None) -> Place | None:
    """Return the place of a cursor; None for one that is none, so that the list begins anew."""
    at, _bar, conversation_id = (text or "").partition("|")
    try:
        found = datetime.fromisoformat(at)
    except ValueError:
        return None
    return (found, conversation_id) if found.tzinfo is not None and conversation_id.isprintable() else None


def shown_row(conversation: Conversation) -> Row:
    """Return a conversation as the head of a page names it."""
    return row(conversation, ConversationUrls("", Asked()).of, names(), gateway().now())
