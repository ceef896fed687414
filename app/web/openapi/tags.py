"""The sections of the descriptions, and which file each is in."""

from __future__ import annotations

from dataclasses import dataclass

API, GRAPH, SERVICE, ASSISTANT, WEBHOOKS = "api", "graph", "service", "assistant", "webhooks"


@dataclass(frozen=True, slots=True)
class Tag:
    """A section: the file that it is in, and a sentence about it."""

    file: str
    description: str


TAGS: dict[str, Tag] = {
    "Sending": Tag(API, "Send a message, or many with one handle."),
    "Messages": Tag(API, "What came in and went out, and what can be done to it."),
    "Batches": Tag(API, "Many sends with one handle: watched, paused, cancelled."),
    "Templates": Tag(API, "What Meta approved for sending at any time."),
    "Contacts": Tag(API, "People: their names, windows and opt-outs, and who answers them."),
    "Conversations": Tag(API, "What customers and the team write to each other, as the inbox shows it."),
    "Media": Tag(API, "Files of messages, in either direction."),
    "Events": Tag(API, "Everything that happened, in order and without gaps."),
    "Endpoints": Tag(API, "Your apps, to which events are posted."),
    "Deliveries": Tag(API, "What your apps are owed: waiting, delivered, dead."),
    "Numbers": Tag(API, "The business numbers that the gateway speaks for."),
    "People": Tag(API, "Who works in the inbox, and the links by which they sign in."),
    "Keys": Tag(API, "API keys: made, listed without their text, and revoked."),
    "Notifications": Tag(API, "Meta's webhooks as they came."),
    "Alerts": Tag(API, "What is wrong, and what was."),
    "Audit": Tag(API, "Who did what: read, sent, changed, replayed, erased."),
    "Doctor": Tag(API, "What is wrong with the installation, and what to do about it."),
    "Statistics": Tag(API, "How much came and went, how well, and how fast."),
    "Graph messages": Tag(GRAPH, "Sends as Meta's Cloud API takes them."),
    "Graph media": Tag(GRAPH, "Files, up to Meta and down from it."),
    "Graph tokens": Tag(GRAPH, "Keys of the gateway, looked at as Meta's tokens are."),
    "Graph subscriptions": Tag(GRAPH, "Where an application wants its webhooks."),
    "Graph objects": Tag(GRAPH, "Numbers, accounts and templates, handed on to Meta."),
    "Receiving": Tag(WEBHOOKS, "What is posted to your apps, and what they may answer."),
    "Webhook": Tag(SERVICE, "What Meta calls."),
    "Service": Tag(SERVICE, "Is it alive, is it ready, what does it count."),
    "Descriptions": Tag(SERVICE, "What this service is, for programs and for people."),
}
