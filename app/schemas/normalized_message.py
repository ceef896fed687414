"""The one shape of messages in API responses and in events."""

from __future__ import annotations

from datetime import datetime
from operator import attrgetter
from typing import Any

from marshmallow import Schema, fields, missing

from app.clock import iso_utc
from app.domain.known_names import MESSAGE_STATUSES, MESSAGE_TYPES
from app.domain.messages import Message, shown


class UtcTime(fields.DateTime):
    """An aware time as ISO 8601 in UTC, which ends in `Z`."""

    def _serialize(self, value: datetime | None, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else iso_utc(value)


class EveryKey(Schema):
    """Dumps every declared key, in the order of declaration; null where the object has no value.

    A field that may be null declares it by `allow_none`.
    """

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        """Make an absent value null instead of leaving out the key."""
        if field_obj.dump_default is missing:
            field_obj.dump_default = None


class NormalizedContact(EveryKey):
    """Who a message is with. `id` is ours and stays; Meta may know the person by any of the others."""

    id = fields.String()
    wa_id = fields.String(
        allow_none=True, metadata={"description": "The phone's digits; null when Meta hides the number."}
    )
    user_id = fields.String(allow_none=True, metadata={"description": "Meta's business-scoped user id."})
    parent_user_id = fields.String(allow_none=True)
    username = fields.String(allow_none=True, metadata={"description": "For display only; people change it."})
    name = fields.String(
        attribute="shown_name",
        allow_none=True,
        metadata={"description": "What the business calls them, else what they call themselves."},
    )
    profile_name = fields.String(
        attribute="name", allow_none=True, metadata={"description": "What they call themselves."}
    )


class NormalizedMessage(EveryKey):
    """A message in either direction. Dumps a `domain.messages.Message`, or a mapping with its names.

    The first six keys are sufficient for a simple app. Absent facts are null; no key is ever left out.
    """

    channel = fields.Constant("whatsapp")
    sender = fields.String(
        allow_none=True, metadata={"description": "`+E.164`, or the user id when Meta hides the number."}
    )
    message = fields.String(metadata={"description": "What a person would read: text, caption, or `[type] …`."})
    timestamp = UtcTime(metadata={"description": "When it was written, by Meta's clock."})
    message_id = fields.String(
        allow_none=True, metadata={"description": "Meta's id (wamid); null until Meta gave one."}
    )
    message_type = fields.String(metadata={"enum": list(MESSAGE_TYPES)})

    id = fields.String(metadata={"description": "Our id of the message."})
    direction = fields.String(metadata={"enum": ["inbound", "outbound"]})
    phone_number_id = fields.String()
    recipient = fields.String(allow_none=True)
    contact = fields.Nested(NormalizedContact(), allow_none=True)
    content = fields.Raw(
        allow_none=True, metadata={"description": "What the message holds, by its type: see `/events.schema.json`."}
    )
    context = fields.Dict(
        allow_none=True, metadata={"description": "What the message answers, or where it was forwarded from."}
    )
    referral = fields.Dict(
        allow_none=True, metadata={"description": "The advertisement or post that the chat began from."}
    )
    group_id = fields.String(allow_none=True)
    status = fields.String(metadata={"enum": list(MESSAGE_STATUSES)})
    error = fields.Dict(
        allow_none=True, metadata={"description": "Meta's `code`, `title`, `details`, `message`, `href`."}
    )
    pricing = fields.Dict(allow_none=True)
    callback_data = fields.String(
        allow_none=True, metadata={"description": "What the sender attached for themselves."}
    )
    source = fields.String(metadata={"enum": ["live", "echo", "history", "standby"]})
    received_at = UtcTime(metadata={"description": "When the gateway got it."})
    flags = fields.List(fields.String(), dump_default=list)


_KEYS = tuple(NormalizedMessage().dump_fields)
_values = attrgetter(*_KEYS)


def normalized(message: Message) -> dict[str, Any]:
    """Return the message as JSON values, equal to what `NormalizedMessage` dumps.

    All events and all rows of lists use this function, because marshmallow takes ten times as long.
    """
    found = dict(zip(_KEYS, _values(message), strict=True))
    found["timestamp"] = iso_utc(message.timestamp)
    found["received_at"] = iso_utc(message.received_at)
    found["flags"] = list(message.flags)
    if message.contact is not None:
        found["contact"] = shown(message.contact)
    return found
