"""An outbound message as the JSON that Graph takes. Pure. Source: Meta, messages/send-messages."""

from __future__ import annotations

from typing import Any

from app.domain.media_references import with_uploads
from app.domain.outbound import OutboundRequest

Json = dict[str, Any]


def message(request: OutboundRequest, *, reply_wamid: str | None = None, callback_data: str | None = None) -> Json:
    """Return the body of `POST /{phone_number_id}/messages`.

    `reply_wamid` is the quoted message's id at Meta (`request.reply_to` may be one of ours). Meta returns
    `callback_data` in statuses. The request's own values of these two are not sent.
    """
    payload: Json = {**request.options, "messaging_product": "whatsapp", **_address(request)}
    payload["type"] = request.type
    payload[request.type] = with_uploads(request.type, request.content, request.uploads)
    # Meta answers #100 to a reaction with a context: a reaction names its message by itself.
    if reply_wamid and request.type != "reaction":
        payload["context"] = {"message_id": reply_wamid}
    if callback_data:
        payload["biz_opaque_callback_data"] = callback_data
    return payload


def _address(request: OutboundRequest) -> Json:
    if request.group_id:
        return {"recipient_type": "group", "to": request.group_id}
    if request.to:
        return {"recipient_type": "individual", "to": request.to}
    return {"recipient_type": "individual", "recipient": request.recipient}


def text(to: str, body: str) -> Json:
    """Return a plain text to a +E.164 number."""
    return message(OutboundRequest(type="text", content={"body": body}, to=to))


def image(to: str, url: str, caption: str | None = None) -> Json:
    """Return an image, which Meta fetches from `url`, to a +E.164 number."""
    content = {"link": url, "caption": caption} if caption else {"link": url}
    return message(OutboundRequest(type="image", content=content, to=to))


def read(wamid: str, *, typing: bool = False) -> Json:
    """Return the body that marks an inbound message, and those before it, as read; `typing` also shows the
    indicator."""
    payload: Json = {"messaging_product": "whatsapp", "status": "read", "message_id": wamid}
    return {**payload, "typing_indicator": {"type": "text"}} if typing else payload
