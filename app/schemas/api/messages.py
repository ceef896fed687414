"""Messages: what to list."""

from __future__ import annotations

from marshmallow import fields

from app.schemas.api.lists import TimesQuery


class MessageQuery(TimesQuery):
    """Which messages."""

    q = fields.String(
        metadata={
            "description": "Words that the message must hold, in any order, however accented; `hol*` for a beginning. "
            "Messages are found a second or two after they came."
        }
    )
    contact = fields.String(metadata={"description": "A contact's id, the digits of its phone, or its user id."})
    direction = fields.String(metadata={"enum": ["inbound", "outbound"]})
    status = fields.String()
    type = fields.String(metadata={"description": "`text`, `image`, `button`, …"})
    phone_number_id = fields.String()
    batch = fields.String(metadata={"description": "The id of a batch: see `/api/batches`."})
    message_id = fields.String(metadata={"description": "Our id, or a wamid."})
