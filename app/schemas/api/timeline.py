"""Schemas of a message's timeline."""

from __future__ import annotations

from marshmallow import Schema, fields

from app.schemas.normalized_message import EveryKey, UtcTime

KINDS = [
    "received", "processed", "asked", "attempt_started", "attempt_finished", "status", "edited", "revoked", "event",
    "delivery_attempt", "delivery",
]  # fmt: skip


class Happening(EveryKey):
    """One thing that happened to a message; what a kind does not have is null."""

    at = UtcTime(metadata={"description": "When, by the gateway's clock."})
    what = fields.String(metadata={"enum": KINDS})
    status = fields.String(
        allow_none=True, metadata={"description": "How an attempt ended, or the status that Meta reported."}
    )
    attempt = fields.Integer(allow_none=True, metadata={"description": "Which attempt at sending, from 1."})
    message_id = fields.String(allow_none=True, metadata={"description": "Meta's id (wamid) of this attempt."})
    timestamp = UtcTime(allow_none=True, metadata={"description": "When, by Meta's clock."})
    recipient = fields.String(
        allow_none=True, metadata={"description": "The member of a group that a status is about."}
    )
    message = fields.String(allow_none=True, metadata={"description": "What the message said from an edit on."})
    previous = fields.String(allow_none=True, metadata={"description": "What it said before an edit or a revocation."})
    error = fields.Dict(allow_none=True, metadata={"description": "What Meta said."})
    note = fields.String(
        allow_none=True, metadata={"description": "Why what your app answered is not sent, or not all of it."}
    )
    pricing = fields.Dict(allow_none=True)
    type = fields.String(allow_none=True, metadata={"description": "An event's type."})
    event_id = fields.String(allow_none=True)
    endpoint_id = fields.String(allow_none=True, metadata={"description": "Which of your apps: see `/api/endpoints`."})
    notification_id = fields.String(
        allow_none=True, metadata={"description": "The webhook that said so: see `/api/notifications`."}
    )
    delivery_id = fields.String(
        allow_none=True, metadata={"description": "What can be retried: see `/api/deliveries`."}
    )
    duration_ms = fields.Integer(allow_none=True, metadata={"description": "How long a try at a delivery took."})
    due_at = UtcTime(allow_none=True, metadata={"description": "When a delivery that waits is tried next."})
    app = fields.String(
        allow_none=True, metadata={"description": "The Meta app that signed the webhook: its id, or `default`."}
    )


class Timeline(Schema):
    """Everything that happened to a message, oldest first."""

    data = fields.List(fields.Nested(Happening), required=True)
    next_cursor = fields.String(required=True, allow_none=True, metadata={"description": "Null: this is all of it."})
