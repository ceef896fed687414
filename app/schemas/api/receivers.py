"""Schemas of test events and batches, which are posted to endpoints, and of the answers of endpoints."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from app.schemas.api.event_types import EVENT
from app.schemas.api.events import EventAnswer
from app.schemas.send.kinds import REPLY
from app.schemas.unions import AnyOf

MOST_REPLIES = 10


class TestData(Schema):
    """What a test event says."""

    message = fields.String(required=True)


class TestEvent(EventAnswer):
    """An event that somebody asked for, to see whether events reach you."""

    type = fields.String(required=True, validate=validate.OneOf(["gateway.test"]))
    data = fields.Nested(TestData, required=True)  # type: ignore[assignment]


class EventBatch(Schema):
    """Several events at once, for endpoints with `batch`."""

    events = fields.List(AnyOf(EVENT), required=True)


class Replies(Schema):
    """What to send to the customer, by endpoints with `replies`: a text, or messages in their order."""

    reply = fields.String(allow_none=True, metadata={"description": "A text."})
    messages = fields.List(
        AnyOf(REPLY),
        allow_none=True,
        validate=validate.Length(max=MOST_REPLIES),
        metadata={"description": "In their order, each to whoever the event is about."},
    )
