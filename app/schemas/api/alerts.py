"""Schemas of alerts: the query of the list, and the response."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields

from app.domain.alerts import KINDS, describe
from app.schemas.api.lists import PageQuery
from app.schemas.api.query import Choice
from app.schemas.normalized_message import UtcTime

STATES = ["open", "closed"]


class AlertQuery(PageQuery):
    """Which alerts."""

    state = Choice(STATES)


class AlertAnswer(Schema):
    """One thing that is, or was, wrong."""

    id = fields.String(required=True)
    kind = fields.String(required=True, metadata={"enum": sorted(KINDS)})
    subject = fields.String(required=True, metadata={"description": "A number, a template, …; empty if there is one."})
    state = fields.Function(
        lambda alert: "closed" if alert.closed_at else "open", required=True, metadata={"enum": STATES}
    )
    message = fields.Method("told", required=True, metadata={"description": "What is wrong, in a sentence."})
    remedy = fields.Method("to_do", required=True, metadata={"description": "What to do about it."})
    phone_number_id = fields.String(required=True, allow_none=True)
    details = fields.Dict(keys=fields.String(), required=True)
    count = fields.Integer(required=True, metadata={"description": "How often it was raised: once a day."})
    first_raised_at = UtcTime(required=True)
    last_raised_at = UtcTime(required=True)
    notified_at = UtcTime(
        required=True, allow_none=True, metadata={"description": "When a person was last told, by post or mail."}
    )
    closed_at = UtcTime(required=True, allow_none=True)

    def told(self, alert: Any) -> str:
        """Return the sentence about this alert, from its kind and subject."""
        return describe(alert.kind, alert.subject)

    def to_do(self, alert: Any) -> str:
        """Return the advice for alerts of this kind."""
        return KINDS[alert.kind].remedy if alert.kind in KINDS else ""
