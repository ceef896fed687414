"""Schemas of events: the query of the list, and the response."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from marshmallow import Schema, ValidationError, fields, validates_schema

from app.domain.known_names import EVENT_TYPES
from app.schemas.api.lists import PageQuery
from app.schemas.api.query import Count, Known
from app.schemas.normalized_message import UtcTime

LONGEST_WAIT_SECONDS = 25


class Place(fields.String):
    """A position in the list of events: loads a sequence and the id of its event, if given; None for the newest."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        if value == "newest":
            return None
        found = re.fullmatch(r"([0-9]{1,16})(?:-([0-9a-f]{32}))?", str(value))
        if found is None or int(found[1]) > 2**53:
            raise ValidationError("must be a `next_cursor` as it came, 0 for the beginning, or newest")
        return int(found[1]), str(UUID(found[2])) if found[2] else None


class EventQuery(PageQuery):
    """Which events."""

    after = Place(
        metadata={"description": "Ascending from here: a `next_cursor`, `0` for the beginning, or `newest`."}
    )
    wait = Count(0, LONGEST_WAIT_SECONDS, description="With `after`: seconds to wait for news.")
    type = Known(EVENT_TYPES, "`message.received`, `message.status`, ….")

    @validates_schema(skip_on_field_errors=False)
    def check_pairs(self, data: dict[str, Any], **kwargs: Any) -> None:
        """Refuse `wait` without `after`, and `cursor` with `after`."""
        if "wait" in data and "after" not in data:
            raise ValidationError("goes with `after`; add after=newest, or leave it out", "wait")
        if "cursor" in data and "after" in data:
            raise ValidationError("does not go with `after`, which is itself where to go on", "cursor")


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
        """Return the seconds from the event to its receipt, at least 0."""
        seconds: float = (event.received_at - event.timestamp).total_seconds()
        return round(max(0.0, seconds))

    def parsed(self, event: Any) -> Any:
        """Return the parsed data, which are stored as JSON text."""
        return json.loads(event.data)
