"""The data of each type of event. Apps may rely on all required keys, and must ignore keys that they do not know."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from marshmallow import Schema, fields, validate

from app.domain.known_names import EVENT_TYPES
from app.schemas.api.events import EventAnswer
from app.schemas.normalized_message import EveryKey, NormalizedMessage, UtcTime
from app.schemas.patterns import Matches
from app.schemas.unions import AnyOf, Union


class LastOutbound(EveryKey):
    """What we last said to the sender of a message: often the question that it answers."""

    id = fields.String()
    message_id = fields.String(allow_none=True)
    message_type = fields.String()
    message = fields.String()
    timestamp = UtcTime()
    source = fields.String()
    callback_data = fields.String(allow_none=True)
    template = fields.String(allow_none=True, metadata={"description": "The template's name, if it was one."})


class ReceivedData(NormalizedMessage):
    """A message from a customer; `last_outbound` is null where nothing was said to them, or the message is old."""

    last_outbound = fields.Nested(LastOutbound(), allow_none=True)
    handled_by = fields.String(
        allow_none=True,
        metadata={
            "enum": ["bot", "human"],
            "description": "Who answered the contact when the message was read: while it is `human`, bots keep silent.",
        }
    )


class BurstData(Schema):
    """What a contact wrote without a pause, oldest first: for endpoints with `debounce_seconds`, never in lists."""

    messages = fields.List(fields.Nested(ReceivedData()), required=True, validate=validate.Length(min=1))


class ReportedStatus(EveryKey):
    """What Meta reported of a message."""

    status = fields.String(metadata={"description": "`sent`, `delivered`, `read`, `played`, `failed`, …"})
    timestamp = UtcTime()
    recipient = fields.String(
        allow_none=True, metadata={"description": "`+E.164` or a user id; in a group, the member."}
    )
    error = fields.Dict(allow_none=True, metadata={"description": "What Meta said."})
    pricing = fields.Dict(
        allow_none=True, metadata={"description": "Meta's `billable`, `pricing_model`, `type` and `category`."}
    )
    message_id = fields.String(allow_none=True, metadata={"description": "Meta's id (wamid) that the report names."})


class StatusData(EveryKey):
    """A report, and the message that it is about, as it stands after the report; null when we do not know it."""

    message = fields.Nested(NormalizedMessage(), allow_none=True)
    status = fields.Nested(ReportedStatus())


class NewText(EveryKey):
    """What a message says now."""

    message = fields.String()
    content = fields.Raw(allow_none=True)


class RevisionData(EveryKey):
    """A message that its sender changed or took back, with its flags after and before; null when we do not know it."""

    message = fields.Nested(NormalizedMessage(), allow_none=True)
    previous = fields.Nested(NormalizedMessage(), allow_none=True)
    original_message_id = fields.String(
        allow_none=True, metadata={"description": "Meta's id (wamid) of the message that is meant."}
    )
    new = fields.Nested(
        NewText(), allow_none=True, metadata={"description": "What it says now; null when it was taken back."}
    )


class PersonNames(EveryKey):
    """The names that Meta gave somebody."""

    wa_id = fields.String(allow_none=True)
    user_id = fields.String(allow_none=True)
    parent_user_id = fields.String(allow_none=True)
    username = fields.String(allow_none=True)
    name = fields.String(
        allow_none=True, metadata={"description": "What the business calls them, else what they call themselves."}
    )
    profile_name = fields.String(allow_none=True, metadata={"description": "What they call themselves."})


class KnownPerson(PersonNames):
    """A contact of ours, and its names."""

    id = fields.String()


class OptOutNews(EveryKey):
    """What a person wishes about marketing from now on, and how they said it."""

    category = fields.String()
    opted_out = fields.Boolean()
    at = UtcTime()
    how = fields.String()
    phone_number_ids = fields.List(fields.String(), metadata={"description": "The numbers of ours that it is about."})


class HandoverNews(EveryKey):
    """Who answers a person from now on."""

    handled_by = fields.String(metadata={"enum": ["bot", "human"]})
    phone_number_ids = fields.List(fields.String(), metadata={"description": "The numbers of ours that it is about."})


class ContactData(EveryKey):
    """A person of whom something changed."""

    contact = fields.Nested(KnownPerson(), allow_none=True)
    previous = fields.Nested(
        PersonNames(), allow_none=True, metadata={"description": "What the person was called before."}
    )
    reason = fields.String(metadata={"description": "`changed_number`, `changed_user_id`, `synced`, …"})
    opt_out = fields.Nested(OptOutNews(), allow_none=True, metadata={"description": "Null unless `reason` says so."})
    handover = fields.Nested(
        HandoverNews(), allow_none=True, metadata={"description": "Null unless `reason` is `handed_over`."}
    )


class PreferenceData(EveryKey):
    """What a person wishes to get from us."""

    contact = fields.Nested(KnownPerson(), allow_none=True)
    category = fields.String(allow_none=True)
    value = fields.String(allow_none=True, metadata={"description": "`stop` or `resume`."})
    detail = fields.String(allow_none=True)


class ChangeData(Schema):
    """A change as Meta wrote it."""

    field = fields.String(required=True)
    value = fields.Raw(required=True)
    waba_id = fields.String(
        required=True, allow_none=True, metadata={"description": "The business account that this is about."}
    )
    phone_number_ids = fields.List(
        fields.String(), required=True, metadata={"description": "The numbers of yours that this is about."}
    )


class TellingOfAlert(Schema):
    """What is, or was, wrong."""

    id = fields.String(required=True)
    kind = fields.String(required=True)
    subject = fields.String(required=True)
    message = fields.String(required=True)
    phone_number_id = fields.String(required=True, allow_none=True)
    details = fields.Dict(required=True)
    count = fields.Integer(required=True)
    first_raised_at = UtcTime(required=True)
    last_raised_at = UtcTime(required=True)
    closed_at = UtcTime(required=True, allow_none=True)


class AlertData(Schema):
    """Something that a person should look at, or need no longer."""

    action = fields.String(required=True)
    text = fields.String(required=True, metadata={"description": "The whole story, for people."})
    alert = fields.Nested(TellingOfAlert, required=True)


def _event(name: str, types: Collection[str], data: type[Schema]) -> type[EventAnswer]:
    kind = fields.String(required=True, validate=validate.OneOf(types))
    event = type(name, (EventAnswer,), {"type": kind, "data": fields.Nested(data, required=True)})
    event.__doc__ = f"An event of the type {' or '.join(f'`{each}`' for each in types)}."
    return event


class ChangeEvent(EventAnswer):
    """An event of the type `call`, `group`, `unknown`, or `account.` and a field of Meta's; new ones may come."""

    type = fields.String(required=True, validate=Matches(r"account\..+|call|group|unknown"))
    data = fields.Nested(ChangeData, required=True)  # type: ignore[assignment]


ReceivedEvent = _event("ReceivedEvent", ["message.received"], ReceivedData)
BurstEvent = _event("BurstEvent", ["message.received"], BurstData)

_BY_TYPE: Mapping[str, type[EventAnswer]] = {
    "message.received": ReceivedEvent,
    "message.sent": _event("SentEvent", ["message.sent"], NormalizedMessage),
    "message.status": _event("StatusEvent", ["message.status"], StatusData),
    **dict.fromkeys(
        ("message.edited", "message.revoked"),
        _event("RevisionEvent", ["message.edited", "message.revoked"], RevisionData),
    ),
    "contact.updated": _event("ContactEvent", ["contact.updated"], ContactData),
    "marketing.preference": _event("PreferenceEvent", ["marketing.preference"], PreferenceData),
    "gateway.alert": _event("AlertEvent", ["gateway.alert"], AlertData),
    **dict.fromkeys((each for each in EVENT_TYPES if each.startswith("account.")), ChangeEvent),
    **dict.fromkeys(("call", "group", "unknown"), ChangeEvent),
}

EVENT_SCHEMAS: tuple[type[EventAnswer], ...] = (*dict.fromkeys(_BY_TYPE.values()), BurstEvent)
"""The union of all events: every event matches exactly one of these schemas."""

EVENT = Union("Event", "Something that happened, by its `type`.", _BY_TYPE)


class EventList(Schema):
    """Events, newest first; with `after`, ascending."""

    data = fields.List(AnyOf(EVENT), required=True)
    next_cursor = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Give it back as `cursor`; null at the end. With `after`: where to go on."},
    )
