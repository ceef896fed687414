"""Answer a customer: text, files, reactions, and decisions about what did not arrive.

Answers are queued with the priority of replies. So what a person sent is kept at once, its bubble shows at once, and a
slow or absent Meta makes nobody wait; the worker sends it in its turn, and what became of it shows on its bubble.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.domain.outbound import OutboundRequest
from app.errors import AnsweredMeanwhile, GatewayError, Invalid, OptedOut, WindowClosed
from app.schemas.send import read_send_request
from app.services.conversations import Conversation, ThreadMessage
from app.services.idempotency import read_key
from app.web.context import gateway
from app.web.inbox.access import pages, person
from app.web.inbox.asked import Asked
from app.web.inbox.conversation_urls import ConversationUrls
from app.web.inbox.conversations import page
from app.web.inbox.errors import wants_page
from app.web.inbox.listing import last_words
from app.web.inbox.rendering import one_line
from app.web.inbox.team import actor, numbers, people
from app.web.inbox.thread_view import Reader, author_of

CROSSED = 20
"""How many messages after the last one that somebody saw are looked at for answers of others."""

bp = pages("agent", Blueprint("inbox_answers", __name__, url_prefix="/inbox/<string(length=36):conversation_id>"))


@dataclass(frozen=True, slots=True)
class Crossing:
    """What somebody else answered after the last message that the sender saw."""

    author: str
    text: str


@bp.post("/send")
def send(conversation_id: str) -> ResponseReturnValue:
    """Send a text."""
    text = request.form.get("text", "").replace("\r\n", "\n").strip()
    conversation = gateway().conversations.one(conversation_id, numbers())
    if not text:
        return refused(conversation, Invalid(_("Write something first.")), text)
    try:
        message_id = answer(conversation, {"type": "text", "text": {"body": text, "preview_url": True}})
    except AnsweredMeanwhile:
        return crossed(conversation, text)
    except GatewayError as error:
        return refused(conversation, error, text)
    return done(conversation, message_id)


@bp.post("/react")
def react(conversation_id: str) -> ResponseReturnValue:
    """Put an emoji on a message, or with none take it back."""
    conversation = gateway().conversations.one(conversation_id, numbers())
    target = gateway().threads.message(conversation_id, request.form.get("message", "")[:36], numbers())
    emoji = request.form.get("emoji", "")[:16]
    reaction = {"message_id": target.message.message_id, "emoji": emoji}
    try:
        message_id = answer(conversation, {"type": "reaction", "reaction": reaction}, quotes=False)
    except GatewayError as error:
        return refused(conversation, error, "")
    return done(conversation, message_id)


@bp.post("/messages/<message_id>/decide")
def decide(conversation_id: str, message_id: str) -> ResponseReturnValue:
    """Send a message again, mark it as sent, or cancel it: what a person decides where it did not arrive."""
    conversation = gateway().conversations.one(conversation_id, numbers())
    found = gateway().threads.message(conversation_id, message_id, numbers())
    actions = gateway().actions
    acts = {"retry": actions.retry, "mark-sent": actions.mark_sent, "cancel": actions.cancel}
    act = acts.get(request.form.get("act", ""))
    if act is None:
        raise Invalid(fields={"act": ["must be retry, mark-sent or cancel"]})
    try:
        act(found.message.id, numbers())
    except GatewayError as error:
        return refused(conversation, error, "")
    return done(conversation, found.message.id)


def answer(
    conversation: Conversation,
    body: dict[str, Any],
    *,
    quotes: bool = True,
    same: dict[str, Any] | None = None,
    part: int = 0,
) -> str:
    """Queue a message to the customer; the conversation is a person's from then on. Return the message's id.

    `body` is Meta's message. The form's `key` makes a repeated request the same message; `same` is what must be equal
    then (the body, unless it names a file that is uploaded anew), and `part` tells the messages of one form apart.
    Raises the errors of a send, and `AnsweredMeanwhile` if somebody else answered after the last message that the
    sender saw.
    """
    whole: dict[str, Any] = {**body, "mode": "queued"}
    if quotes and (reply_to := request.form.get("reply_to", "")[:36]):
        whole["reply_to"] = reply_to
    key = f"{request.form.get('key', '')[:64] or uuid.uuid4()}{f'/{part}' if part else ''}"
    retry = read_key(key, actor(), request.path, json.dumps(same or whole, sort_keys=True).encode(), "key")

    def build(address: dict[str, Any]) -> OutboundRequest:
        return read_send_request(whole | address, gateway().config.default_region or None)

    seen, anyway = request.form.get("seen", "")[:36] or None, bool(request.form.get("anyway"))
    sent = gateway().answer(conversation.id, build, numbers(), seen=seen, anyway=anyway, retry=retry)
    return sent.id


def done(conversation: Conversation, message_id: str) -> ResponseReturnValue:
    """Return to the newest message; tell a script the message's id."""
    if not wants_page():
        return {"id": message_id}, 202
    return redirect(ConversationUrls(conversation.id, Asked.read(request.args)).newest, 303)


def refused(conversation: Conversation, error: GatewayError, draft: str) -> ResponseReturnValue:
    """Show the page with what is wrong and what was written; a script gets the API's error with words for people."""
    if not wants_page():
        error.message = problem_words(error)
        raise error
    return page(conversation.id, 422, problem=problem_words(error), draft=draft)


def problem_words(error: GatewayError) -> str:
    """Return in the reader's language why a message cannot be sent."""
    if isinstance(error, WindowClosed):
        return str(_("The 24 hours in which you may write freely are over. Choose a template."))
    if isinstance(error, OptedOut):
        return str(_("The customer does not want marketing messages from you."))
    if isinstance(error, Invalid) and error.fields:
        if "reply_to" in error.fields:
            return str(_("What you quote is not at WhatsApp yet. Send without the quote, or wait a little."))
        problems = "; ".join(f"{name} {texts[0]}" for name, texts in error.fields.items())
        return str(_("WhatsApp would refuse this: %(problems)s", problems=problems))
    return error.message


def crossed(conversation: Conversation, draft: str) -> ResponseReturnValue:
    """Show what others answered meanwhile, and ask whether to send all the same."""
    crossing = _crossing(conversation)
    if not wants_page():
        return {"crossing": [{"author": each.author, "text": each.text} for each in crossing]}, 409
    return page(conversation.id, 409, crossing=crossing, draft=draft)


def _crossing(conversation: Conversation) -> list[Crossing]:
    """Return what others of the team wrote to the customer after the last message that the sender saw."""
    seen = request.form.get("seen", "")[:36]
    later = gateway().threads(conversation.id, numbers(), limit=CROSSED, after=seen)
    reader = Reader(people=people(), me=person().id)
    return [
        Crossing(
            author_of(each, reader) or str(_("From the phone")),
            one_line(last_words(each.message.message_type, each.message.message)),
        )
        for each in later.items
        if isinstance(each, ThreadMessage) and each.message.direction == "outbound" and each.sent_by != actor()
    ]
