"""Conversations: a list of them, one of them, and its messages."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Blueprint
from flask.typing import ResponseReturnValue

from app.schemas.api.conversations import (
    Beside,
    ConversationAnswer,
    ConversationQuery,
    NoteAnswer,
    ThreadAnswer,
    ThreadQuery,
)
from app.schemas.api.lists import list_of
from app.schemas.normalized_message import normalized
from app.services.conversations import Note, Thread, ThreadMessage
from app.store.conversation_list import ConversationFilter, Place
from app.web.api import paging
from app.web.api.contacts import meant
from app.web.auth import caller, requires
from app.web.context import gateway
from app.web.openapi.operations import describe
from app.web.query import query

PREFIX = "/api/conversations"

bp = requires("read", Blueprint("conversations", __name__, url_prefix=PREFIX))

_CONVERSATION, _BESIDE, _NOTE = ConversationAnswer(), Beside(), NoteAnswer()
NOBODY = "none"


@bp.get("")
@describe("listConversations", "Conversations", {200: list_of(ConversationAnswer)}, query=ConversationQuery)
def index() -> ResponseReturnValue:
    """List conversations, the one with the newest message first. Without `state`, the open ones."""
    asked = query()
    found, after = gateway().conversations.list(
        _filter(asked), asked.get("q"), limit=asked["limit"], before=_cursor(asked.get("cursor"))
    )
    place = None if after is None else f"{after[0].isoformat()}|{after[1]}"
    return paging.page(_CONVERSATION.dump(found, many=True), place)


@bp.get("/<conversation_id>")
@describe("getConversation", "Conversations", {200: ConversationAnswer})
def show(conversation_id: str) -> ResponseReturnValue:
    """Show one conversation."""
    return shown(conversation_id)


@bp.get("/<conversation_id>/messages")
@describe("getThread", "Conversations", {200: ThreadAnswer}, query=ThreadQuery)
def thread(conversation_id: str) -> ResponseReturnValue:
    """Show a part of a conversation's messages, oldest first; without a place, the newest.

    A reaction stands on its message, and is none of its own unless its message is not stored.
    """
    asked = query()
    return _thread(gateway().threads(conversation_id, caller().numbers, **asked))


def shown(conversation_id: str) -> dict[str, Any]:
    """Return a conversation as the API answers it. Raises `NotFound`."""
    found: dict[str, Any] = _CONVERSATION.dump(gateway().conversations.one(conversation_id, caller().numbers))
    return found


def thread_message(item: ThreadMessage) -> dict[str, Any]:
    """Return a message of a thread as the API answers it."""
    beside: dict[str, Any] = _BESIDE.dump(item)
    return normalized(item.message) | beside


def _thread(found: Thread) -> dict[str, Any]:
    return {
        "conversation": _CONVERSATION.dump(found.conversation),
        "data": [thread_message(each) for each in found.items if isinstance(each, ThreadMessage)],
        "notes": [_NOTE.dump(each) for each in found.items if isinstance(each, Note)],
        "previous": found.before,
        "next": found.after,
    }


def _filter(asked: dict[str, Any]) -> ConversationFilter:
    state, assignee = asked.get("state", "open"), asked.get("assignee")
    return ConversationFilter(
        unread=asked.get("unread"),
        assignee="" if assignee == NOBODY else assignee,
        waiting=asked.get("waiting"),
        failed=asked.get("failed"),
        closed=None if state == "all" else state == "closed",
        label=asked.get("label"),
        contact=meant(asked["contact"]) if "contact" in asked else None,
        phone_number_id=asked.get("number"),
        numbers=caller().numbers,
    )


def _cursor(text: str | None) -> Place | None:
    if text is None:
        return None
    at, _, conversation_id = text.partition("|")
    try:
        found = datetime.fromisoformat(at)
    except ValueError:
        raise paging.bad_cursor() from None
    if found.tzinfo is None or not conversation_id.isprintable():
        raise paging.bad_cursor()
    return found, conversation_id
