"""What a person does about a conversation besides answering."""

from __future__ import annotations

from flask import Blueprint, redirect, request
from flask.typing import ResponseReturnValue

from app.domain.handover import HandledBy
from app.errors import GatewayError, WrongState
from app.logs import get_logger
from app.services.conversations import Conversation, ThreadMessage
from app.web.context import gateway
from app.web.inbox.access import pages, person
from app.web.inbox.asked import Asked
from app.web.inbox.conversation_urls import ConversationUrls
from app.web.inbox.errors import wants_page
from app.web.inbox.team import numbers

LOOKED_AT = 30
"""How many of the newest messages are looked at for the customer's last one."""

logger = get_logger(__name__)

bp = pages("agent", Blueprint("inbox_acts", __name__, url_prefix="/inbox/<string(length=36):conversation_id>"))


@bp.post("/handover")
def handover(conversation_id: str) -> ResponseReturnValue:
    """Take a conversation over from the bot, or give it back."""
    found = _one(conversation_id)
    to = HandledBy.BOT if request.form.get("to") == "bot" else HandledBy.HUMAN
    gateway().hand_over(found.contact.id, to, found.phone_number_id, numbers())
    return _done(found)


@bp.post("/assign")
def assign(conversation_id: str) -> ResponseReturnValue:
    """Give a conversation to somebody of the team, or to nobody; or take it."""
    found = _one(conversation_id)
    wanted = person().id if request.form.get("take") else request.form.get("assignee", "")[:36]
    gateway().conversation_acts.assign(found.id, wanted or None, numbers())
    return _done(found)


@bp.post("/labels")
def labels(conversation_id: str) -> ResponseReturnValue:
    """Put a label on a conversation, one that is there or a new one, or take one off."""
    found = _one(conversation_id)
    added, removed = request.form.get("add", "")[:36], request.form.get("remove", "")[:36]
    if request.form.get("make") and (name := request.form.get("name", "").strip()):
        added = gateway().labels.add(name).id
    gateway().conversation_acts.relabel(found.id, numbers(), add=added, remove=removed)
    return _done(found)


@bp.post("/note")
def note(conversation_id: str) -> ResponseReturnValue:
    """Write a note for the team."""
    found = _one(conversation_id)
    gateway().conversation_acts.note(found.id, request.form.get("text", ""), numbers())
    return _done(found)


@bp.post("/close")
def close(conversation_id: str) -> ResponseReturnValue:
    """Close a conversation, unless the customer wrote after `seen`, the newest message that the page showed."""
    found, shown = _one(conversation_id), request.form.get("seen", "")[:36]
    gateway().conversation_acts.close(found.id, numbers(), seen=shown or None)
    return _done(found)


@bp.post("/reopen")
def reopen(conversation_id: str) -> ResponseReturnValue:
    """Open a closed conversation."""
    found = _one(conversation_id)
    gateway().conversation_acts.reopen(found.id, numbers())
    return _done(found)


@bp.post("/seen")
def seen(conversation_id: str) -> ResponseReturnValue:
    """Note that the person has seen the thread, and let WhatsApp show the customer that it was read.

    `seen` is our id of the newest message that the page showed: what came meanwhile stays unread. Without, it is the
    newest message that there is.
    """
    found, shown = _one(conversation_id), request.form.get("seen", "")[:36]
    newest = _newest(found, inbound=False, shown=shown)
    if newest is not None and found.unread:
        gateway().conversation_acts.mark_seen(found.id, newest.message.id, numbers())
        _tell_customer(found, typing=False, shown=shown)
    return _done(found)


@bp.post("/typing")
def typing(conversation_id: str) -> ResponseReturnValue:
    """Show the customer for some seconds that somebody writes."""
    found = _one(conversation_id)
    _tell_customer(found, typing=True)
    return _done(found)


def _tell_customer(found: Conversation, *, typing: bool, shown: str = "") -> None:
    """Show the customer that their messages were read, or that somebody writes. It does not matter if that fails."""
    theirs = _newest(found, inbound=True, shown=shown)
    if theirs is None:
        return
    try:
        gateway().mark_read(theirs.message.id, numbers(), typing=typing)
    except (GatewayError, WrongState):
        logger.debug("the customer was not told that a message was read")


def _newest(found: Conversation, *, inbound: bool, shown: str = "") -> ThreadMessage | None:
    """Return the newest message, with `shown` the newest up to that one. Raises `NotFound` if it is none of these."""
    part = {"around": shown} if shown else {}
    items = gateway().threads(found.id, numbers(), limit=LOOKED_AT, **part).items
    messages = [each for each in items if isinstance(each, ThreadMessage)]
    while shown and messages and messages[-1].message.id != shown:
        messages.pop()
    theirs = [each for each in messages if not inbound or each.message.direction == "inbound"]
    return theirs[-1] if theirs else None


def _one(conversation_id: str) -> Conversation:
    return gateway().conversations.one(conversation_id, numbers())


def _done(found: Conversation) -> ResponseReturnValue:
    if not wants_page():
        return "", 204
    return redirect(ConversationUrls(found.id, Asked.read(request.args)).here, 303)
