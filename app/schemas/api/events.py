"""Events: what to list, and how one is answered."""

from __future__ import annotations

import json
from typing import Any

from marshmallow import Schema, fields

from app.schemas.api.lists import PageQuery
from app.schemas.normalized_message import UtcTime


class EventQuery(PageQuery):
    """Which events."""

    after = fields.String(
        metadata={"description": "Ascending from here: a `next_cursor`, `0` for the beginning, or `newest`."}
    )
    wait = fields.Integer(
        metadata={"minimum": 0, "maximum": 25, "default": 0, "description": "With `after`: seconds to wait for news."}
    )
    type = fields.String(metadata={"description": "`message.received`, `message.status`, …"})


class EventAnswer(Schema):
    """Something that happened. Its `data` is what it was when it happened."""

    id = fields.String(required=True)
    type = fields.String(required=True, metadata={"description": "`message.received`, `message.status`, …"})
    version = fields.Constant(1, required=True)
    timestamp = UtcTime(required=True, metadata={"description": "When it happened, by Meta's clock."})
    received_at = UtcTime(required=True, metadata={"description": "When the gateway was told."})
    delayed_seconds = fields.Method("delay", required=True, metadata={"type": "integer", "minimum": 0})
    data = fields.Method(
        "parsed", required=True, metadata={"description": "By type: see the schemas whose names end in `Event`."}
    )

    def delay(self, event: Any) -> int:
        """How long it took to reach us."""
        seconds: float = (event.received_at - event.timestamp).total_seconds()
        return round(max(0.0, seconds))

    def parsed(self, event: Any) -> Any:
        """The JSON that was kept as text."""
        return json.loads(event.data)
