"""Send a message."""

from __future__ import annotations

from flask.typing import ResponseReturnValue

from app.domain.outbound import Mode
from app.errors import Invalid
from app.schemas.send import SendMessageResponse, read_send_request
from app.web.auth import caller, check
from app.web.bodies import read_json
from app.web.context import gateway

_RESPONSE = SendMessageResponse()


def send() -> ResponseReturnValue:
    """Send one message and wait for Meta: 200 when it was accepted, 202 when its answer never came."""
    check("send")
    request = read_send_request(read_json(), gateway().config.default_region or None)
    if request.mode is not Mode.SYNC or request.expires_at is not None:
        raise Invalid(fields={"mode": ["only `sync` is served by this version: leave out mode, send_at, expires_at"]})
    sent = gateway().send(request, caller().numbers)
    body = _RESPONSE.dump(
        {
            "success": True,
            "message_id": sent.message_id,
            "id": sent.id,
            "status": sent.status,
            "warnings": sent.warnings,
        }
    )
    return body, 200 if sent.status == "accepted" else 202
