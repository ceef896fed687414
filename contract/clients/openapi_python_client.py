"""Eleven calls by a client of openapi-python-client."""

from __future__ import annotations

import os

from whatsapp_service_client import AuthenticatedClient
from whatsapp_service_client.api.contacts import list_contacts
from whatsapp_service_client.api.endpoints import add_endpoint
from whatsapp_service_client.api.events import list_events
from whatsapp_service_client.api.messages import get_message, list_messages
from whatsapp_service_client.api.sending import send_message, send_messages
from whatsapp_service_client.api.statistics import get_statistics
from whatsapp_service_client.models import (
    ActionsButtonsAction,
    ActionsReply,
    ActionsReplyButton,
    ActionsReplyButtonType,
    BulkAnswer,
    BulkRequest,
    BulkText,
    BulkTextType,
    ContactList,
    EndpointRequest,
    ErrorAnswer,
    EventList,
    InteractiveBody,
    InteractiveButtons,
    InteractiveButtonsType,
    NewEndpointAnswer,
    NormalizedMessage,
    NormalizedMessageList,
    PlainTextContent,
    SendInteractive,
    SendInteractiveType,
    SendMessageResponse,
    SendTemplate,
    SendTemplateMode,
    SendTemplateType,
    ShortBulkMessage,
    ShortMessage,
    StatsAnswer,
    Template,
    TemplateBodyComponent,
    TemplateBodyComponentType,
    TemplateLanguage,
    TemplateTextParameter,
    TemplateTextParameterType,
)

TO = "+5491112345610"
client = AuthenticatedClient(base_url=os.environ["GATEWAY"], token=os.environ["KEY"])

text = send_message.sync(client=client, body=ShortMessage(to=TO, message="Hola"))
assert isinstance(text, SendMessageResponse) and text.message_id

buttons = send_message.sync(
    client=client,
    body=SendInteractive(
        type_=SendInteractiveType.INTERACTIVE,
        to=TO,
        interactive=InteractiveButtons(
            type_=InteractiveButtonsType.BUTTON,
            body=InteractiveBody(text="Today?"),
            action=ActionsButtonsAction(
                buttons=[
                    ActionsReplyButton(
                        type_=ActionsReplyButtonType.REPLY, reply=ActionsReply(id="yes", title="Yes")
                    )
                ]
            ),
        ),
    ),
)
assert isinstance(buttons, SendMessageResponse)

template = send_message.sync(
    client=client,
    body=SendTemplate(
        type_=SendTemplateType.TEMPLATE,
        to=TO,
        mode=SendTemplateMode.QUEUED,
        template=Template(
            name="ready",
            language=TemplateLanguage(code="es"),
            components=[
                TemplateBodyComponent(
                    type_=TemplateBodyComponentType.BODY,
                    parameters=[TemplateTextParameter(type_=TemplateTextParameterType.TEXT, text="Ana")],
                )
            ],
        ),
    ),
)
assert isinstance(template, SendMessageResponse)

many = send_messages.sync(
    client=client,
    body=BulkRequest(
        messages=[
            ShortBulkMessage(to=TO, message="one", idempotency_key="opc-1"),
            BulkText(type_=BulkTextType.TEXT, to=TO, text=PlainTextContent(body="two")),
        ]
    ),
)
assert isinstance(many, BulkAnswer) and [each.success for each in many.data] == [True, True]

listed = list_messages.sync(client=client, limit=5)
assert isinstance(listed, NormalizedMessageList) and len(listed.data) == 5

shown = get_message.sync(buttons.id, client=client)
assert isinstance(shown, NormalizedMessage)
assert shown.content["action"]["buttons"][0]["reply"]["title"] == "Yes"

events = list_events.sync(client=client)
assert isinstance(events, EventList)

endpoint = add_endpoint.sync(client=client, body=EndpointRequest(url="https://app.example.com/opc", paused=True))
assert isinstance(endpoint, NewEndpointAnswer) and endpoint.secret

contacts = list_contacts.sync(client=client, phone=TO)
assert isinstance(contacts, ContactList) and len(contacts.data) == 1

statistics = get_statistics.sync(client=client)
assert isinstance(statistics, StatsAnswer)

refused = get_message.sync("nobody", client=client)
assert isinstance(refused, ErrorAnswer) and refused.error.code == "not_found"

print("openapi-python-client: 11 calls")
