"""Where the examples of the descriptions come from: what a gateway is asked here, and what it answers.

After a change of what is asked or answered: `RECORD_EXAMPLES=1 .venv/bin/pytest tests/web/test_examples.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.factories import PNID
from tests.schemas.send_bodies import BODIES

Json = dict[str, Any]
Ask = Callable[[str, str, str, Json | None], Json]
"""An operation's name, method, path and body; gives its answer."""

TO = "+5491112345678"
OUR_ID = "01a20c83-9c99-716b-8b07-2a3001233244"
UPPER = ("CAROUSEL", "BODY", "COPY_CODE")


def _lower(node: Any) -> Any:
    """The same in small letters where Meta takes both: a description says one of them."""
    if isinstance(node, dict):
        return {name: each.lower() if each in UPPER else _lower(each) for name, each in node.items()}
    return [_lower(each) for each in node] if isinstance(node, list) else node


SENDS: dict[str, Json] = {
    "short text": {"to": TO, "message": "Your order is on its way."},
    "short image": {"to": TO, "message": "Our menu", "image_url": "https://example.com/menu.jpg"},
    "short buttons": {"to": TO, "message": "Shall we deliver today?", "buttons": ["Yes", "No"]},
    "short template": {"to": TO, "template": {"name": "order_ready", "language": "es", "parameters": ["Ana"]}},
    "queued": {"to": TO, "message": "Good morning", "mode": "queued", "priority": "bulk"},
    **{name: {"to": TO, **_lower(body)} for name, body in BODIES.items()},
    "any type, unchecked": {"to": TO, "type": "poll", "poll": {"name": "Today?"}, "raw": True},
}
NUMBER: Json = {
    "phone_number_id": "700100200300999",
    "display_phone_number": "+1 555 010 0999",
    "waba_id": "900100200300999",
    "access_token": "EAAtoken-of-this-number",
    "rate": 80,
}
ENDPOINT: Json = {"url": "https://app.example.com/whatsapp", "types": ["message.*"], "replies": True}

ASKED: dict[str, dict[str, Json]] = {
    "sendMessage": SENDS,
    "checkSend": {"short text": SENDS["short text"]},
    "sendMessages": {
        "two messages": {
            "name": "Opening hours",
            "messages": [
                {"to": TO, "message": "We are open on Sunday.", "idempotency_key": "hours-1"},
                {"to": "+34600111222", "type": "text", "text": {"body": "We are open on Sunday."}},
            ],
        }
    },
    "uploadFile": {"a document": {"file": "%PDF-1.7 …", "type": "document", "filename": "bill.pdf"}},
    "releaseMessages": {"of a number": {"phone_number_id": PNID}},
    "retryMessages": {"that failed": {"all": True, "status": "failed"}},
    "cancelMessages": {"of a batch": {"batch": "01a20c83-9c99-716b-8b07-2a3001233244"}},
    "changeContact": {"a name": {"name": "Ana of the bakery", "notes": "Calls on Fridays."}},
    "handOverContact": {"to a person": {"to": "human"}},
    "answerConversation": {
        "an answer": {"type": "text", "text": {"body": "It leaves today."}, "seen": OUR_ID},
        "the short form": {"message": "It leaves today.", "anyway": True},
    },
    "assignConversation": {"to a person": {"assignee": OUR_ID, "only_if_free": True}},
    "labelConversation": {"one label": {"labels": [OUR_ID]}},
    "noteConversation": {"a note": {"text": "Wants the invoice by Friday."}},
    "closeConversation": {"what was seen": {"message_id": OUR_ID}},
    "markConversationSeen": {"up to a message": {"message_id": OUR_ID}},
    "addLabel": {"a label": {"name": "Invoice", "colour": "#2266cc"}},
    "changeLabel": {"its name": {"name": "Invoices"}},
    "addQuickReply": {"opening hours": {"shortcut": "hours", "text": "We are open from 9 to 18."}},
    "changeQuickReply": {"opening hours": {"shortcut": "hours", "text": "We are open from 9 to 20."}},
    "addEndpoint": {"messages alone": ENDPOINT},
    "changeEndpoint": {"a pause": {"paused": True}},
    "rotateEndpointSecret": {"one of ours": {}},
    "retryDeliveries": {"two of them": {"ids": ["1", "2"]}},
    "replayEvents": {"since a time": {"since": "2026-11-24T00:00:00Z"}},
    "addNumber": {"a number": NUMBER},
    "changeNumber": {"its rate": {"rate": 20}},
    "addPerson": {"an agent": {"name": "Ana", "role": "agent", "numbers": [PNID]}},
    "changePerson": {"an admin": {"role": "admin", "numbers": None}},
    "addKey": {"of a program": {"name": "crm", "scopes": ["send", "read"]}},
}


def record(ask: Ask) -> None:
    """Ask for everything once, in an order in which each finds what it needs. A customer has written already."""
    inbound = ask("listMessages", "GET", "/api/messages?limit=2", None)["data"][0]["id"]
    ask("getMessage", "GET", f"/api/messages/{inbound}", None)
    ask("getMessageTimeline", "GET", f"/api/messages/{inbound}/timeline", None)
    file = ask("listMedia", "GET", "/api/media?limit=1", None)["data"][0]["id"]
    ask("getMedia", "GET", f"/api/media/{file}", None)
    ask("uploadFile", "POST", "/api/media", ASKED["uploadFile"]["a document"])
    ask("markMessageRead", "POST", f"/api/messages/{inbound}/read", None)
    ask("showTyping", "POST", f"/api/messages/{inbound}/typing", None)
    ask("sendMessage", "POST", "/send/whatsapp", SENDS["short text"])
    ask("checkSend", "POST", "/api/preflight", SENDS["short text"])
    ask("listTemplates", "GET", "/api/templates", None)
    ask("getCurrentKey", "GET", "/api/keys/current", None)
    queued = ask("sendMessage", "POST", "/send/whatsapp", SENDS["queued"])["id"]
    ask("cancelMessage", "POST", f"/api/messages/{queued}/cancel", None)
    ask("retryMessage", "POST", f"/api/messages/{queued}/retry?force=true", None)
    batch = ask("sendMessages", "POST", "/api/messages/bulk", ASKED["sendMessages"]["two messages"])["batch"]
    ask("listBatches", "GET", "/api/batches", None)
    for name, path in (
        ("getBatch", ""), ("pauseBatch", "/pause"), ("resumeBatch", "/resume"),
        ("retryBatch", "/retry-failed"), ("cancelBatch", "/cancel"),
    ):  # fmt: skip
        ask(name, "POST" if path else "GET", f"/api/batches/{batch}{path}", None)
    for name, path in (("releaseMessages", "release"), ("retryMessages", "retry"), ("cancelMessages", "cancel")):
        (body,) = ASKED[name].values()
        ask(name, "POST", f"/api/messages/{path}", body)
    _people(ask)
    _conversations(ask)
    _apps(ask)
    _numbers(ask)
    _team(ask)
    notification = ask("listNotifications", "GET", "/api/notifications", None)["data"][0]["id"]
    ask("getNotification", "GET", f"/api/notifications/{notification}", None)
    ask("replayNotification", "POST", f"/api/notifications/{notification}/replay", None)
    ask("listEvents", "GET", "/api/events?limit=3", None)
    ask("listAlerts", "GET", "/api/alerts", None)
    ask("listAudit", "GET", "/api/audit?limit=2", None)
    ask("getStatistics", "GET", "/api/stats", None)
    ask("getOverview", "GET", "/api/overview", None)
    ask("examineInstallation", "GET", "/api/doctor?checks=simulator,graph_version", None)
    ask("getStatisticsSeries", "GET", "/api/stats/series?step=day", None)


def _people(ask: Ask) -> None:
    ask("listContacts", "GET", "/api/contacts?limit=1", None)
    ask("getContact", "GET", f"/api/contacts/{TO}", None)
    ask("changeContact", "PATCH", f"/api/contacts/{TO}", ASKED["changeContact"]["a name"])
    ask("handOverContact", "POST", f"/api/contacts/{TO}/handover", ASKED["handOverContact"]["to a person"])
    ask("exportContact", "GET", f"/api/contacts/{TO}/export?format=json", None)


def _conversations(ask: Ask) -> None:
    found = ask("listConversations", "GET", "/api/conversations?limit=1", None)["data"][0]["id"]
    ask("getConversation", "GET", f"/api/conversations/{found}", None)
    path = f"/api/conversations/{found}"
    newest = ask("getThread", "GET", f"{path}/messages?limit=2", None)["data"][-1]["id"]
    person = ask("addPerson", "POST", "/api/people", {"name": "Luz", "role": "agent", "numbers": None})["id"]
    label = ask("addLabel", "POST", "/api/labels", ASKED["addLabel"]["a label"])["id"]
    ask("answerConversation", "POST", f"{path}/messages", ASKED["answerConversation"]["the short form"])
    ask("assignConversation", "POST", f"{path}/assign", {"assignee": person})
    ask("labelConversation", "PUT", f"{path}/labels", {"labels": [label]})
    ask("noteConversation", "POST", f"{path}/notes", ASKED["noteConversation"]["a note"])
    ask("markConversationSeen", "POST", f"{path}/seen", {"message_id": newest})
    ask("closeConversation", "POST", f"{path}/close", {"message_id": newest})
    ask("reopenConversation", "POST", f"{path}/reopen", None)
    ask("listLabels", "GET", "/api/labels", None)
    ask("changeLabel", "PATCH", f"/api/labels/{label}", ASKED["changeLabel"]["its name"])
    ask("removeLabel", "DELETE", f"/api/labels/{label}", None)
    reply = ask("addQuickReply", "POST", "/api/quick-replies", ASKED["addQuickReply"]["opening hours"])["id"]
    ask("listQuickReplies", "GET", "/api/quick-replies", None)
    change = ASKED["changeQuickReply"]["opening hours"]
    ask("changeQuickReply", "PUT", f"/api/quick-replies/{reply}", change)
    ask("removeQuickReply", "DELETE", f"/api/quick-replies/{reply}", None)


def _apps(ask: Ask) -> None:
    endpoint = ask("addEndpoint", "POST", "/api/endpoints", ENDPOINT)["id"]
    ask("listEndpoints", "GET", "/api/endpoints", None)
    ask("getEndpoint", "GET", f"/api/endpoints/{endpoint}", None)
    ask("replayEvents", "POST", f"/api/endpoints/{endpoint}/replay", ASKED["replayEvents"]["since a time"])
    ask("rotateEndpointSecret", "POST", f"/api/endpoints/{endpoint}/rotate-secret", {})
    owed = ask("listDeliveries", "GET", "/api/deliveries?limit=1", None)["data"][0]["id"]
    ask("listBacklogs", "GET", "/api/deliveries/backlogs", None)
    ask("retryDeliveries", "POST", "/api/deliveries/retry", {"ids": [owed]})
    ask("getDelivery", "GET", f"/api/deliveries/{owed}", None)
    ask("retryDelivery", "POST", f"/api/deliveries/{owed}/retry", None)
    ask("changeEndpoint", "PATCH", f"/api/endpoints/{endpoint}", ASKED["changeEndpoint"]["a pause"])
    ask("removeEndpoint", "DELETE", f"/api/endpoints/{endpoint}", None)


def _numbers(ask: Ask) -> None:
    ask("addNumber", "POST", "/api/numbers", NUMBER)
    number = f"/api/numbers/{NUMBER['phone_number_id']}"
    ask("listNumbers", "GET", "/api/numbers", None)
    ask("getNumber", "GET", number, None)
    ask("changeNumber", "PATCH", number, ASKED["changeNumber"]["its rate"])
    ask("checkNumber", "POST", f"/api/numbers/{PNID}/check", None)
    ask("removeNumber", "DELETE", number, None)


def _team(ask: Ask) -> None:
    person = f"/api/people/{ask('addPerson', 'POST', '/api/people', ASKED['addPerson']['an agent'])['id']}"
    ask("listPeople", "GET", "/api/people", None)
    ask("getPerson", "GET", person, None)
    ask("changePerson", "PATCH", person, ASKED["changePerson"]["an admin"])
    ask("addPersonLink", "POST", f"{person}/links", None)
    ask("revokePersonLinks", "DELETE", f"{person}/links", None)
    ask("signOutPerson", "POST", f"{person}/sign-out", None)
    ask("removePerson", "DELETE", person, None)
    ask("addKey", "POST", "/api/keys", ASKED["addKey"]["of a program"])
    ask("listKeys", "GET", "/api/keys", None)
    ask("revokeKey", "DELETE", "/api/keys/crm", None)
