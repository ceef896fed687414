"""Schemas of the overview: how the gateway does at this moment."""

from __future__ import annotations

from marshmallow import Schema, fields

from app.schemas.normalized_message import UtcTime


class QueueAnswer(Schema):
    """What waits in one queue."""

    waiting = fields.Integer(required=True, metadata={"description": "Counted up to `most`; there may be more."})
    lag_seconds = fields.Float(required=True, metadata={"description": "For how long the first has been due."})
    most = fields.Integer(required=True)


class LastAuditAnswer(Schema):
    """The last nightly audit."""

    checked_at = UtcTime(required=True)
    problems = fields.Integer(required=True, metadata={"description": "0: the books balance."})


class OverviewAnswer(Schema):
    """How the gateway does now."""

    at = UtcTime(required=True)
    worker = fields.String(required=True, metadata={"enum": ["running", "missing"]})
    worker_seen_at = UtcTime(required=True, allow_none=True)
    webhooks = fields.Nested(QueueAnswer, required=True, metadata={"description": "Not processed yet."})
    sends = fields.Nested(QueueAnswer, required=True, metadata={"description": "Due, and not sent yet."})
    deliveries = fields.Nested(QueueAnswer, required=True, metadata={"description": "Owed to your apps."})
    held = fields.Integer(required=True, metadata={"description": "Sends that wait for a person's decision."})
    dead = fields.Integer(required=True, metadata={"description": "Deliveries that are no longer tried."})
    open_alerts = fields.Integer(required=True)
    audit = fields.Nested(
        LastAuditAnswer, required=True, allow_none=True, metadata={"description": "Null before the first night."}
    )
