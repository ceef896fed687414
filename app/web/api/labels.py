"""Labels for conversations, and quick replies: everybody reads them, admins manage them."""

from __future__ import annotations

from flask import Blueprint
from flask.typing import ResponseReturnValue

from app.schemas.api.conversation_acts import LabelChange, LabelRequest, QuickReplyAnswer, QuickReplyRequest
from app.schemas.api.conversations import LabelAnswer
from app.schemas.api.lists import list_of
from app.schemas.api.service import DoneAnswer
from app.web.api import paging
from app.web.auth import caller, requires
from app.web.bodies import read_object
from app.web.context import gateway
from app.web.openapi.operations import describe

bp = requires("read", Blueprint("labels", __name__, url_prefix="/api"))
changes = requires("admin", Blueprint("label_changes", __name__, url_prefix="/api"))

_LABEL, _LABEL_CHANGE, _LABEL_ANSWER = LabelRequest(), LabelChange(), LabelAnswer()
_REPLY, _REPLY_ANSWER = QuickReplyRequest(), QuickReplyAnswer()


@bp.get("/labels")
@describe("listLabels", "Conversations", {200: list_of(LabelAnswer)})
def index() -> ResponseReturnValue:
    """List the labels by name."""
    return paging.page(_LABEL_ANSWER.dump(gateway().labels.all(), many=True), None)


@changes.post("/labels")
@describe("addLabel", "Conversations", {201: LabelAnswer}, body=LabelRequest, errors=(409, 503))
def add() -> ResponseReturnValue:
    """Add a label."""
    body = read_object(_LABEL)
    return _LABEL_ANSWER.dump(gateway().labels.add(body["name"], body.get("colour"))), 201


@changes.patch("/labels/<label_id>")
@describe("changeLabel", "Conversations", {200: LabelAnswer}, body=LabelChange, errors=(409, 503))
def change(label_id: str) -> ResponseReturnValue:
    """Rename a label, or give it another colour."""
    found: dict[str, object] = _LABEL_ANSWER.dump(gateway().labels.change(label_id, **read_object(_LABEL_CHANGE)))
    return found


@changes.delete("/labels/<label_id>")
@describe("removeLabel", "Conversations", {200: DoneAnswer})
def remove(label_id: str) -> ResponseReturnValue:
    """Remove a label, also from all conversations."""
    gateway().labels.remove(label_id)
    return {"success": True}


@bp.get("/quick-replies")
@describe("listQuickReplies", "Conversations", {200: list_of(QuickReplyAnswer)})
def replies() -> ResponseReturnValue:
    """List the quick replies by shortcut: those for every number, and those for the numbers of the key."""
    return paging.page(_REPLY_ANSWER.dump(gateway().quick_replies.all(caller().numbers), many=True), None)


@changes.post("/quick-replies")
@describe("addQuickReply", "Conversations", {201: QuickReplyAnswer}, body=QuickReplyRequest, errors=(409, 503))
def add_reply() -> ResponseReturnValue:
    """Add a quick reply."""
    return _REPLY_ANSWER.dump(gateway().quick_replies.add(**read_object(_REPLY))), 201


@changes.put("/quick-replies/<quick_reply_id>")
@describe("changeQuickReply", "Conversations", {200: QuickReplyAnswer}, body=QuickReplyRequest, errors=(409, 503))
def change_reply(quick_reply_id: str) -> ResponseReturnValue:
    """Replace a quick reply."""
    found: dict[str, object] = _REPLY_ANSWER.dump(
        gateway().quick_replies.change(quick_reply_id, **read_object(_REPLY))
    )
    return found


@changes.delete("/quick-replies/<quick_reply_id>")
@describe("removeQuickReply", "Conversations", {200: DoneAnswer})
def remove_reply(quick_reply_id: str) -> ResponseReturnValue:
    """Remove a quick reply."""
    gateway().quick_replies.remove(quick_reply_id)
    return {"success": True}
