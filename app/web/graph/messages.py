"""`POST …/<phone_number_id>/messages`: a send like any other, said in Graph's words."""

from __future__ import annotations

from typing import Any

from flask.typing import ResponseReturnValue

from app.domain.outbound import OutboundRequest
from app.domain.phone_numbers import NotANumber, NotInAnyPlan, to_e164, to_wa_id
from app.errors import Invalid
from app.schemas.api.graph import GraphDone, GraphSent
from app.schemas.send import read_lenient_request
from app.schemas.send.kinds import GRAPH_MESSAGE
from app.schemas.unions import Union
from app.services.sending import Sent
from app.web.auth import caller
from app.web.context import gateway
from app.web.graph.describing import describe_graph
from app.web.graph.reading import body_bytes, parse
from app.web.idempotency import REPLAYED, key_of_request, takes_key_itself

Json = dict[str, Any]

LONGEST_HEADER = 1000
SENT = Union("GraphSendAnswer", "What was taken; of one that was read, that it was.", {}, (GraphSent, GraphDone))


@describe_graph("sendGraphMessage", "Graph messages", "send", SENT, body=GRAPH_MESSAGE)
@takes_key_itself
def send(phone_number_id: str) -> ResponseReturnValue:
    """Send a message, mark one as read, or show that an answer is being written, as Graph does."""
    gateway().graph_proxy.number(phone_number_id, caller().numbers)
    raw = body_bytes()
    body = parse(raw) or {}
    if "status" in body:
        return _mark_read(phone_number_id, body)
    # The version in the path says nothing, so a retry with another one is a retry.
    retry = key_of_request(f"/graph/{phone_number_id}/messages", raw)
    region = gateway().config.default_region or None
    request = read_lenient_request({**body, "to": _to(body), "phone_number_id": phone_number_id}, region)
    sent = gateway().send(request, caller().numbers, retry)
    headers = dict(REPLAYED) if sent.is_replayed else {}
    if sent.warnings:  # Graph's answer has no place for them
        headers["X-Gateway-Warnings"] = _one_line("; ".join(sent.warnings))
    return _answer(body, request, sent), 200, headers


def _one_line(text: str) -> str:
    """A text as a header may hold it."""
    return "".join(char if " " <= char <= "~" else "?" for char in text)[:LONGEST_HEADER]


def _mark_read(phone_number_id: str, body: Json) -> Json:
    message_id = body.get("message_id")
    if body["status"] != "read":
        raise Invalid(fields={"status": ["must be read; leave it out to send a message"]})
    if not isinstance(message_id, str) or not message_id:
        raise Invalid(fields={"message_id": ["is required: the message that was read"]})
    is_typing = isinstance(body.get("typing_indicator"), dict)
    gateway().graph_proxy.mark_read(phone_number_id, message_id, caller().numbers, typing=is_typing)
    return {"success": True}


def _to(body: Json) -> Any:
    """The recipient, as SDKs mean it: digits without a plus are a `wa_id`, which begins with the country code."""
    to = body.get("to")
    if isinstance(to, int) and not isinstance(to, bool):
        to = str(to)
    if body.get("recipient_type") == "group" or not isinstance(to, str):
        return to
    if not to[:1].isdigit() or to.startswith("00"):
        return to
    try:
        return to_e164(f"+{to}")
    except NotInAnyPlan as unusual:
        return unusual.e164
    except NotANumber:
        return to


def _answer(body: Json, request: OutboundRequest, sent: Sent) -> Json:
    """Graph's answer: Meta's own words where it gave some, else what they would be.

    Where Meta's id never came, ours stands in its place, and `message_status` says why.
    """
    said = sent.result
    wa_id = (said and said.wa_id) or (to_wa_id(request.to) if request.to else None)
    user_id = (said and said.user_id) or request.recipient
    group_id = (said and said.group_id) or request.group_id
    status = (said and said.message_status) or ("accepted" if request.type == "template" else None)
    contact = {"input": body.get("to") or request.recipient, "wa_id": wa_id, "user_id": user_id}
    message = {
        "id": sent.message_id or sent.id,
        "group_id": group_id,
        "message_status": sent.status if sent.message_id is None else status,
    }
    return {"messaging_product": "whatsapp", "contacts": [_given(contact)], "messages": [_given(message)]}


def _given(facts: Json) -> Json:
    return {name: value for name, value in facts.items() if value is not None}
