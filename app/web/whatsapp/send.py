"""Send a message."""

from __future__ import annotations

from flask import request as http
from flask.typing import ResponseReturnValue

from app.schemas.json_text import parse_json
from app.schemas.send import SendMessageResponse, read_send_request
from app.schemas.send.kinds import SEND
from app.web import query
from app.web.auth import caller, check
from app.web.bodies import read_json_bytes
from app.web.context import gateway
from app.web.idempotency import REPLAYED, key_of_request, takes_key_itself
from app.web.openapi.operations import describe

_RESPONSE = SendMessageResponse()


@describe(
    "sendMessage", "Sending", {200: SendMessageResponse, 202: SendMessageResponse},
    body=SEND, errors=(404, 409, 429, 502, 503), scope="send",
)  # fmt: skip
@takes_key_itself
def send() -> ResponseReturnValue:
    """Send one message and wait for Meta, or queue it: 200 when Meta took it, 202 while nobody can say that yet."""
    check("send")
    query.check()
    raw = read_json_bytes()
    retry = key_of_request(http.path, raw)
    request = read_send_request(parse_json(raw), gateway().config.default_region or None)
    sent = gateway().send(request, caller().numbers, retry)
    body = _RESPONSE.dump(
        {
            "success": True,
            "message_id": sent.message_id,
            "id": sent.id,
            "status": sent.status,
            "warnings": sent.warnings,
        }
    )
    headers = REPLAYED if sent.is_replayed else {}
    return body, 202 if sent.message_id is None else 200, headers
