"""The response to an accepted send. A refused send gets the error shape of the whole API."""

from __future__ import annotations

from marshmallow import Schema, fields


class SendMessageResponse(Schema):
    """A message that was taken. `message_id` is Meta's, and null until Graph has given one; `id` is ours."""

    success = fields.Boolean(required=True)
    message_id = fields.String(required=True, allow_none=True)
    id = fields.String(required=True)
    status = fields.String(required=True)
    warnings = fields.List(fields.String(), required=True)
