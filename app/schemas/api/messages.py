"""Messages: what to list."""

from __future__ import annotations

from marshmallow import fields

from app.schemas.api.lists import TimesQuery


class MessageQuery(TimesQuery):
    """Which messages."""

    contact = fields.String(metadata={"description": "A contact's id, or the digits of its phone."})
    direction = fields.String(metadata={"enum": ["inbound", "outbound"]})
    status = fields.String()
    type = fields.String(metadata={"description": "`text`, `image`, `button`, …"})
    phone_number_id = fields.String()
    message_id = fields.String(metadata={"description": "Our id, or a wamid."})
