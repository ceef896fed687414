"""What each type of event holds. Readers may count on every key that is required; new keys may come any day."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from app.schemas.api.events import EventAnswer
from app.schemas.normalized_message import EveryKey, NormalizedMessage, UtcTime


class LastOutbound(EveryKey):
    """What we last said to the sender of a message: often the question that it answers."""

    id = fields.String()
    message_id = fields.String()
    message_type = fields.String()
    message = fields.String()
    timestamp = UtcTime()
    source = fields.String()
    callback_data = fields.String()
    template = fields.String(metadata={"description": "The template's name, if it was one."})


class ReceivedData(NormalizedMessage):
    """A message from a customer; `last_outbound` is null where nothing was said to them, or the message is old."""

    last_outbound = fields.Nested(LastOutbound())
    handled_by = fields.String(
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
    recipient = fields.String(metadata={"description": "`+E.164` or a user id; in a group, the member."})
    error = fields.Dict(metadata={"description": "What Meta said."})
    pricing = fields.Dict(metadata={"description": "Meta's `billable`, `pricing_model`, `type` and `category`."})
    message_id = fields.String(metadata={"description": "Meta's id (wamid) that the report names."})


class StatusData(EveryKey):
    """A report, and the message that it is about, as it stands after the report; null when we do not know it."""

    message = fields.Nested(NormalizedMessage())
    status = fields.Nested(ReportedStatus())


class NewText(EveryKey):
    """What a message says now."""

    message = fields.String()
    content = fields.Raw()


class RevisionData(EveryKey):
    """A message that its sender changed or took back, with its flags after and before; null when we do not know it."""

    message = fields.Nested(NormalizedMessage())
    previous = fields.Nested(NormalizedMessage())
    original_message_id = fields.String(metadata={"description": "Meta's id (wamid) of the message that is meant."})
    new = fields.Nested(NewText(), metadata={"description": "What it says now; null when it was taken back."})


class PersonNames(EveryKey):
    """The names that Meta gave somebody."""

    wa_id = fields.String()
    user_id = fields.String()
    parent_user_id = fields.String()
    username = fields.String()
    name = fields.String(metadata={"description": "What the business calls them, else what they call themselves."})
    profile_name = fields.String(metadata={"description": "What they call themselves."})


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

    contact = fields.Nested(KnownPerson())
    previous = fields.Nested(PersonNames(), metadata={"description": "What the person was called before."})
    reason = fields.String(metadata={"description": "`changed_number`, `changed_user_id`, `synced`, …"})
    opt_out = fields.Nested(OptOutNews(), metadata={"description": "Null unless `reason` says so."})
    handover = fields.Nested(HandoverNews(), metadata={"description": "Null unless `reason` is `handed_over`."})


class PreferenceData(EveryKey):
    """What a person wishes to get from us."""

    contact = fields.Nested(KnownPerson())
    category = fields.String()
    value = fields.String(metadata={"description": "`stop` or `resume`."})
    detail = fields.String()


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


def _event(name: str, types: str, data: type[Schema]) -> type[EventAnswer]:
    pattern = validate.Regexp(rf"^{types}$")
    kind = fields.String(required=True, validate=pattern)
    event = type(name, (EventAnswer,), {"type": kind, "data": fields.Nested(data, required=True)})
    event.__doc__ = f"An event of the type {types.replace(chr(92), '')}."
    return event


EVENT_SCHEMAS: tuple[type[EventAnswer], ...] = (
    _event("ReceivedEvent", r"message\.received", ReceivedData),
    _event("BurstEvent", r"message\.received", BurstData),
    _event("SentEvent", r"message\.sent", NormalizedMessage),
    _event("StatusEvent", r"message\.status", StatusData),
    _event("RevisionEvent", r"message\.(edited|revoked)", RevisionData),
    _event("ContactEvent", r"contact\.updated", ContactData),
    _event("PreferenceEvent", r"marketing\.preference", PreferenceData),
    _event("ChangeEvent", r"(account\..+|call|group|unknown)", ChangeData),
    _event("AlertEvent", r"gateway\.alert", AlertData),
)
"""Every event is of exactly one of these."""
