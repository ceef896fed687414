"""What the team does to conversations."""

from __future__ import annotations

from typing import Any

from flask import Blueprint
from flask import request as http
from flask.typing import ResponseReturnValue

from app.domain.outbound import OutboundRequest
from app.errors import Invalid
from app.schemas.api.conversation_acts import (
    AssignRequest,
    CloseRequest,
    LabelsRequest,
    NoteRequest,
    SeenAnswer,
    SeenRequest,
)
from app.schemas.api.conversations import ConversationAnswer, NoteAnswer
from app.schemas.json_text import parse_json
from app.schemas.send import SendMessageResponse, read_send_request
from app.web.api.conversations import PREFIX, shown
from app.web.auth import caller, requires
from app.web.bodies import read_json_bytes, read_object
from app.web.context import gateway
from app.web.idempotency import REPLAYED, key_of_request, takes_key_itself
from app.web.openapi.operations import describe

bp = requires("send", Blueprint("conversation_acts", __name__, url_prefix=f"{PREFIX}/<conversation_id>"))

_ASSIGN, _LABELS, _NOTE, _SEEN, _CLOSE = (
    AssignRequest(), LabelsRequest(), NoteRequest(), SeenRequest(), CloseRequest()
)  # fmt: skip
_NOTE_ANSWER, _SENT = NoteAnswer(), SendMessageResponse()
ANSWER = {
    "type": "object",
    "description": "A message as in `POST /send/whatsapp`, without an address.",
    "properties": {
        "seen": {"type": "string", "description": "Our id of the newest message of the thread that the sender saw."},
        "anyway": {"type": "boolean", "description": "Send it although somebody else has answered since."},
    },
    "additionalProperties": True,
}


@bp.post("/messages")
@describe(
    "answerConversation", "Conversations", {202: SendMessageResponse}, body=ANSWER,
    errors=(400, 404, 409, 413, 415, 422, 429, 502, 503),
)  # fmt: skip
@takes_key_itself
def answer(conversation_id: str) -> ResponseReturnValue:
    """Queue an answer to the customer. A person has the contact from then on, and bots are not woken.

    With `seen`, 409 `answered_meanwhile` says that others have written to the customer since; `anyway` sends it all the
    same.
    """
    raw = read_json_bytes()
    body: Any = parse_json(raw)
    retry = key_of_request(http.path, raw)
    seen, anyway = _crossing(body)

    def build(address: dict[str, Any]) -> OutboundRequest:
        return read_send_request(body | address | {"mode": "queued"}, gateway().config.default_region or None)

    numbers = caller().numbers
    sent = gateway().answer(conversation_id, build, numbers, seen=seen, anyway=anyway, retry=retry)
    said = {"success": True, "message_id": sent.message_id, "id": sent.id, "status": sent.status}
    return _SENT.dump(said | {"warnings": sent.warnings}), 202, REPLAYED if sent.is_replayed else {}


@bp.post("/assign")
@describe("assignConversation", "Conversations", {200: ConversationAnswer}, body=AssignRequest, errors=(409, 503))
def assign(conversation_id: str) -> ResponseReturnValue:
    """Give a conversation to a person of the team, or to nobody."""
    body = read_object(_ASSIGN)
    only_if_free = body.get("only_if_free", False)
    gateway().conversation_acts.assign(
        conversation_id, body["assignee"], caller().numbers, only_if_free=only_if_free
    )
    return shown(conversation_id)


@bp.put("/labels")
@describe("labelConversation", "Conversations", {200: ConversationAnswer}, body=LabelsRequest)
def label(conversation_id: str) -> ResponseReturnValue:
    """Set a conversation's labels."""
    gateway().conversation_acts.label(conversation_id, read_object(_LABELS)["labels"], caller().numbers)
    return shown(conversation_id)


@bp.post("/notes")
@describe("noteConversation", "Conversations", {201: NoteAnswer}, body=NoteRequest)
def note(conversation_id: str) -> ResponseReturnValue:
    """Write a note into the thread, for the team alone. It is never sent."""
    written = gateway().conversation_acts.note(conversation_id, read_object(_NOTE)["text"], caller().numbers)
    return _NOTE_ANSWER.dump(written), 201


@bp.post("/close")
@describe(
    "closeConversation", "Conversations", {200: ConversationAnswer}, body=CloseRequest, needs_body=False,
    errors=(409, 503),
)  # fmt: skip
def close(conversation_id: str) -> ResponseReturnValue:
    """Close a conversation. The customer's next message opens it again."""
    seen = read_object(_CLOSE).get("message_id") if http.content_length else None
    gateway().conversation_acts.close(conversation_id, caller().numbers, seen=seen)
    return shown(conversation_id)


@bp.post("/reopen")
@describe("reopenConversation", "Conversations", {200: ConversationAnswer})
def reopen(conversation_id: str) -> ResponseReturnValue:
    """Open a closed conversation."""
    gateway().conversation_acts.reopen(conversation_id, caller().numbers)
    return shown(conversation_id)


@bp.post("/seen")
@describe("markConversationSeen", "Conversations", {200: SeenAnswer}, body=SeenRequest)
def seen(conversation_id: str) -> ResponseReturnValue:
    """Say up to which message the team has seen the thread. Customers are not told: see `markMessageRead`."""
    message_id = read_object(_SEEN)["message_id"]
    unread = gateway().conversation_acts.mark_seen(conversation_id, message_id, caller().numbers)
    return {"success": True, "unread": unread}


def _crossing(body: Any) -> tuple[str | None, bool]:
    """Take `seen` and `anyway` out of a body. Raises `Invalid`."""
    if not isinstance(body, dict):
        return None, False  # refused with the rest of the message
    seen, anyway = body.pop("seen", None), body.pop("anyway", False)
    problems = {}
    if seen is not None and not isinstance(seen, str):
        problems["seen"] = ["must be our id of a message"]
    if not isinstance(anyway, bool):
        problems["anyway"] = ["must be true or false"]
    problems |= {name: ["is the conversation's own; leave it out"] for name in _ADDRESS if name in body}
    if problems:
        raise Invalid(fields=problems)
    return seen, anyway


_ADDRESS = ("to", "recipient", "group_id", "phone_number_id")
