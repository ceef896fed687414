"""What a person does about a conversation besides answering."""

from __future__ import annotations

from flask import Blueprint, redirect, request
from flask.typing import ResponseReturnValue

from app.domain.handover import HandledBy
from app.services.conversations import Conversation
from app.web.context import gateway
from app.web.inbox.access import pages
from app.web.inbox.asked import Asked
from app.web.inbox.conversation_urls import ConversationUrls
from app.web.inbox.errors import wants_page
from app.web.inbox.team import numbers

bp = pages("agent", Blueprint("inbox_acts", __name__, url_prefix="/inbox/<string(length=36):conversation_id>"))


@bp.post("/handover")
def handover(conversation_id: str) -> ResponseReturnValue:
    """Take a conversation over from the bot, or give it back."""
    found = _one(conversation_id)
    to = HandledBy.BOT if request.form.get("to") == "bot" else HandledBy.HUMAN
    gateway().hand_over(found.contact.id, to, found.phone_number_id, numbers())
    return _done(found)


def _one(conversation_id: str) -> Conversation:
    return gateway().conversations.one(conversation_id, numbers())


def _done(found: Conversation) -> ResponseReturnValue:
    if not wants_page():
        return "", 204
    return redirect(ConversationUrls(found.id, Asked.read(request.args)).here, 303)
