"""Schemas of bulk requests and batches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields, validate

from app.schemas.api.errors import ErrorDetails
from app.schemas.normalized_message import EveryKey, UtcTime
from app.schemas.send.kinds import BULK_ROW
from app.schemas.strict import Strict
from app.schemas.unions import AnyOf

LARGEST = 1000


class Row(AnyOf):
    """A message of a bulk. It is checked separately later, so that an invalid message does not refuse the others."""

    default_error_messages = {"invalid": "must be an object"}

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        if not isinstance(value, dict):
            raise self.make_error("invalid")
        return value


class BulkRequest(Strict):
    """Messages to queue together. Each is a send as `POST /send/whatsapp` takes it, of one number of ours."""

    messages = fields.List(Row(BULK_ROW), required=True, validate=validate.Length(1, LARGEST))
    name = fields.String(validate=validate.Length(1, 200))
    phone_number_id = fields.String(validate=validate.Length(1, 64))
    priority = fields.String(
        validate=validate.OneOf(["reply", "normal", "bulk"]), metadata={"description": "Of all of them; `bulk`."}
    )


class BulkItem(Schema):
    """What became of one of the messages: its id, or why it was not queued."""

    success = fields.Boolean(required=True)
    id = fields.String()
    status = fields.String()
    warnings = fields.List(fields.String())
    error = fields.Nested(ErrorDetails)


class BulkAnswer(Schema):
    """An answer for each message, in their order."""

    batch = fields.String(
        required=True, allow_none=True, metadata={"description": "The batch's id; null where none was queued."}
    )
    data = fields.List(fields.Nested(BulkItem), required=True)


class BatchAnswer(EveryKey):
    """A batch, and how many of its messages are in which status."""

    id = fields.String(attribute="batch.id")
    name = fields.String(attribute="batch.name", allow_none=True)
    phone_number_id = fields.String(attribute="batch.phone_number_id")
    state = fields.String(metadata={"enum": ["running", "paused", "cancelled", "finished"]})
    created_at = UtcTime(attribute="batch.created_at")
    updated_at = UtcTime(attribute="batch.updated_at")
    counts = fields.Dict(keys=fields.String(), values=fields.Integer())
