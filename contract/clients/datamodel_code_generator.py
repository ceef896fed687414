"""Eleven calls with httpx, and the models that datamodel-code-generator makes."""

from __future__ import annotations

import os
from typing import TypeVar

import httpx
from gateway_models import (
    BulkAnswer,
    BulkRequest,
    ContactList,
    EndpointRequest,
    ErrorAnswer,
    EventList,
    NewEndpointAnswer,
    NormalizedMessage,
    NormalizedMessageList,
    SendMessage,
    SendMessageResponse,
    StatsAnswer,
)
from pydantic import BaseModel

Model = TypeVar("Model", bound=BaseModel)

TO = "+5491112345630"
client = httpx.Client(base_url=os.environ["GATEWAY"], headers={"Authorization": f"Bearer {os.environ['KEY']}"})


def ask(answer: type[Model], method: str, path: str, body: BaseModel | None = None, status: int | None = None) -> Model:
    """One call: what goes out and what comes back are held to their models."""
    sent = body.model_dump(mode="json", by_alias=True, exclude_unset=True) if body else None
    found = client.request(method, path, json=sent)
    assert found.status_code == status if status else found.is_success, found.text
    return answer.model_validate(found.json())


def send(body: dict[str, object]) -> SendMessageResponse:
    """One send."""
    return ask(SendMessageResponse, "POST", "/send/whatsapp", SendMessage.model_validate({"to": TO, **body}))


assert send({"message": "Hola"}).message_id
reply = {"type": "reply", "reply": {"id": "yes", "title": "Yes"}}
interactive = {"type": "button", "body": {"text": "Today?"}, "action": {"buttons": [reply]}}
buttons = send({"type": "interactive", "interactive": interactive})
components = [{"type": "body", "parameters": [{"type": "text", "text": "Ana"}]}]
template = {"name": "ready", "language": {"code": "es"}, "components": components}
assert send({"type": "template", "template": template, "mode": "queued"}).status == "queued"
rows = [{"to": TO, "message": "one", "idempotency_key": "dmc-1"}, {"to": TO, "type": "text", "text": {"body": "two"}}]
many = ask(BulkAnswer, "POST", "/api/messages/bulk", BulkRequest.model_validate({"messages": rows}))
assert [each.success for each in many.data] == [True, True]
assert len(ask(NormalizedMessageList, "GET", "/api/messages?limit=5").data) == 5
shown = ask(NormalizedMessage, "GET", f"/api/messages/{buttons.id}")
assert isinstance(shown.content, dict) and shown.content["action"]["buttons"][0]["reply"]["title"] == "Yes"
ask(EventList, "GET", "/api/events")
endpoint = EndpointRequest.model_validate({"url": "https://app.example.com/dmc", "paused": True})
assert ask(NewEndpointAnswer, "POST", "/api/endpoints", endpoint).secret
assert len(ask(ContactList, "GET", f"/api/contacts?phone=%2B{TO[1:]}").data) == 1
ask(StatsAnswer, "GET", "/api/stats")
refused = ask(ErrorAnswer, "GET", "/api/messages/nobody", status=404)
assert "not_found" in str(refused.error.code)

print("datamodel-code-generator: 11 calls")
