"""Eleven calls by a client of openapi-generator, in Python."""

from __future__ import annotations

import os

from gateway_client import (
    ApiClient,
    BulkMessage,
    BulkRequest,
    Configuration,
    ContactsApi,
    EndpointRequest,
    EndpointsApi,
    EventsApi,
    MessagesApi,
    SendingApi,
    SendInteractive,
    SendMessage,
    SendTemplate,
    ShortMessage,
    StatisticsApi,
)
from gateway_client.exceptions import NotFoundException

TO = "+5491112345620"
client = ApiClient(Configuration(host=os.environ["GATEWAY"], access_token=os.environ["KEY"]))
sending, messages = SendingApi(client), MessagesApi(client)

text = sending.send_message(SendMessage(ShortMessage(to=TO, message="Hola")))
assert text.message_id

buttons = sending.send_message(
    SendMessage(
        SendInteractive.from_dict(
            {
                "type": "interactive",
                "to": TO,
                "interactive": {
                    "type": "button",
                    "body": {"text": "Today?"},
                    "action": {"buttons": [{"type": "reply", "reply": {"id": "yes", "title": "Yes"}}]},
                },
            }
        )
    )
)
template = sending.send_message(
    SendMessage(
        SendTemplate.from_dict(
            {
                "type": "template",
                "to": TO,
                "mode": "queued",
                "template": {
                    "name": "ready",
                    "language": {"code": "es"},
                    "components": [{"type": "body", "parameters": [{"type": "text", "text": "Ana"}]}],
                },
            }
        )
    )
)
rows = [
    BulkMessage.from_dict({"to": TO, "message": "one", "idempotency_key": "og-1"}),
    BulkMessage.from_dict({"to": TO, "type": "text", "text": {"body": "two"}}),
]
many = sending.send_messages(BulkRequest(messages=rows))
assert [each.success for each in many.data] == [True, True]

assert len(messages.list_messages(limit=5).data) == 5

shown = messages.get_message(buttons.id)
assert shown.content and shown.content["action"]["buttons"][0]["reply"]["title"] == "Yes"
assert template.status == "queued"

assert EventsApi(client).list_events().data is not None
endpoint = EndpointsApi(client).add_endpoint(EndpointRequest(url="https://app.example.com/og", paused=True))
assert endpoint.secret
assert len(ContactsApi(client).list_contacts(phone=TO).data) == 1
assert StatisticsApi(client).get_statistics().outbound.messages >= 0

try:
    messages.get_message("nobody")
except NotFoundException as refused:
    assert refused.data and refused.data.error.code.actual_instance == "not_found"
else:
    raise AssertionError("nobody was found")

print("openapi-generator (Python): 11 calls")
