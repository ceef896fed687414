"""Schemas of notifications (stored webhooks): the query of the list, and the responses."""

from __future__ import annotations

from marshmallow import Schema, fields

from app.schemas.api.lists import TimesQuery
from app.schemas.api.query import Choice
from app.schemas.normalized_message import UtcTime

STATES = ["pending", "processed", "parked", "quarantined"]

_COUNTS = fields.Dict(keys=fields.String(), values=fields.Integer())


class NotificationQuery(TimesQuery):
    """Which webhooks."""

    state = Choice(STATES)


class NotificationAnswer(Schema):
    """One POST of Meta's, and what became of its items."""

    id = fields.String(required=True)
    state = fields.String(required=True, metadata={"enum": STATES})
    reason = fields.String(required=True, allow_none=True)
    received_at = UtcTime(required=True)
    processed_at = UtcTime(required=True, allow_none=True)
    request_id = fields.String(required=True)
    items = fields.Integer(required=True, allow_none=True, metadata={"description": "Null until it was read."})
    books = fields.Dict(
        keys=fields.String(),
        values=_COUNTS,
        required=True,
        allow_none=True,
        metadata={"description": "By number: how many items are `processed`, `duplicate`, `parked`, `quarantined`."},
    )


class SetAsideItem(Schema):
    """An item that could not be read or stored (`parked`), or whose signer may not say it (`quarantined`)."""

    position = fields.Integer(required=True)
    state = fields.String(required=True, metadata={"enum": ["parked", "quarantined"]})
    field = fields.String(required=True)
    phone_number_id = fields.String(required=True, allow_none=True)
    reason = fields.String(required=True)


class NotificationDetails(NotificationAnswer):
    """One POST of Meta's, with the items that were set aside."""

    set_aside = fields.List(fields.Nested(SetAsideItem), required=True)
