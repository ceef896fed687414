"""The one shape in which a message leaves the gateway: in API answers, in events, to hooks."""

from __future__ import annotations

from datetime import UTC, datetime
from operator import attrgetter
from typing import Any

from marshmallow import Schema, fields, missing

from app.domain.messages import Message, shown


class UtcTime(fields.DateTime):
    """An aware time as ISO 8601 in UTC, with its offset."""

    def _serialize(self, value: datetime | None, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else value.astimezone(UTC).isoformat()


class EveryKey(Schema):
    """Dumps every declared key, in the order of declaration; null where the object has nothing to say."""

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        """Say null rather than leave out a key."""
        field_obj.allow_none = True
        if field_obj.dump_default is missing:
            field_obj.dump_default = None


class NormalizedContact(EveryKey):
    """Who a message is with. `id` is ours and stays; Meta may know the person by any of the others."""

    id = fields.String()
    wa_id = fields.String(metadata={"description": "The phone's digits; null when Meta hides the number."})
    user_id = fields.String(metadata={"description": "Meta's business-scoped user id."})
    parent_user_id = fields.String()
    username = fields.String(metadata={"description": "For display only; people change it."})
    name = fields.String(
        attribute="shown_name",
        metadata={"description": "What the business calls them, else what they call themselves."},
    )
    profile_name = fields.String(attribute="name", metadata={"description": "What they call themselves."})


class NormalizedMessage(EveryKey):
    """A message in either direction. Dumps a `domain.messages.Message`, or a mapping with its names.

    The six keys of the first lines are what a simple reader needs; absent facts are null, never missing.
    """

    channel = fields.Constant("whatsapp")
    sender = fields.String(metadata={"description": "`+E.164`, or the user id when Meta hides the number."})
    message = fields.String(metadata={"description": "What a person would read: text, caption, or `[type] …`."})
    timestamp = UtcTime(metadata={"description": "When it was written, by Meta's clock."})
    message_id = fields.String(metadata={"description": "Meta's id (wamid); null until Meta gave one."})
    message_type = fields.String(metadata={"description": "`text`, `image`, `button`, …; new ones may come any day."})

    id = fields.String(metadata={"description": "Our id of the message."})
    direction = fields.String(metadata={"description": "`inbound` or `outbound`."})
    phone_number_id = fields.String()
    recipient = fields.String()
    contact = fields.Nested(NormalizedContact())
    content = fields.Raw(metadata={"description": "What the message holds, by its type."})
    context = fields.Dict(metadata={"description": "What the message answers, or where it was forwarded from."})
    referral = fields.Dict(metadata={"description": "The advertisement or post that the chat began from."})
    group_id = fields.String()
    status = fields.String()
    error = fields.Dict(metadata={"description": "Meta's `code`, `title`, `details`, `message`, `href`."})
    pricing = fields.Dict()
    callback_data = fields.String(metadata={"description": "What the sender attached for themselves."})
    source = fields.String(metadata={"description": "`live`, `echo`, `history` or `standby`."})
    received_at = UtcTime(metadata={"description": "When the gateway got it."})
    flags = fields.List(fields.String(), dump_default=list)


_KEYS = tuple(NormalizedMessage().dump_fields)
_values = attrgetter(*_KEYS)


def normalized(message: Message) -> dict[str, Any]:
    """The message as JSON takes it: what `NormalizedMessage` dumps.

    Every event and every row of a list is made here. To ask marshmallow for each key of each takes ten times as long.
    """
    found = dict(zip(_KEYS, _values(message), strict=True))
    found["timestamp"] = message.timestamp.astimezone(UTC).isoformat()
    found["received_at"] = message.received_at.astimezone(UTC).isoformat()
    found["flags"] = list(message.flags)
    if message.contact is not None:
        found["contact"] = shown(message.contact)
    return found
