"""Schemas of contacts."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from app.schemas.api.conversations import NoteAnswer
from app.schemas.api.lists import PageQuery
from app.schemas.api.query import Choice, NumberId, Person, Plain, Query, Words
from app.schemas.normalized_message import NormalizedMessage, UtcTime
from app.schemas.send.values import Flag
from app.schemas.strict import Strict


class ContactQuery(PageQuery):
    """Which contacts."""

    phone = Person(metadata={"description": "A phone in any notation."})
    user_id = Plain(metadata={"description": "Meta's user id."})
    username = Plain(metadata={"description": "The whole username, with or without @."})
    q = Words(
        metadata={
            "description": "Words that its name must hold, each as a beginning, in any order, however accented. "
            "Contacts are found a second or two after they came."
        }
    )
    number = NumberId("Meta's id of one of our numbers, which knows of the contact.")


class Alias(Schema):
    """A name that Meta knows, or knew, a contact by. `until` is when it was given up, null while it is in use."""

    kind = fields.String(required=True, metadata={"enum": ["wa_id", "user_id", "parent_user_id"]})
    value = fields.String(required=True)
    until = UtcTime(required=True, allow_none=True)


class Window(Schema):
    """The time in which one of our numbers may send a contact anything, not templates alone."""

    last_inbound_at = UtcTime(
        required=True, metadata={"description": "When it last wrote or called, by Meta's clock."}
    )  # fmt: skip
    expires_at = UtcTime(required=True)
    is_open = fields.Boolean(required=True)


class OptOut(Schema):
    """That a contact wants no marketing from one of our numbers."""

    category = fields.String(required=True, metadata={"enum": ["marketing"]})
    since = UtcTime(required=True)
    how = fields.String(
        required=True,
        metadata={
            "enum": ["preference", "refused", "word", "api"],
            "description": "By WhatsApp's own switch, Meta's refusal (131050), one of `OPT_OUT_WORDS`, or the API.",
        },
    )


class Handling(Schema):
    """Who answers a contact on one of our numbers."""

    handled_by = fields.String(required=True, metadata={"enum": ["bot", "human"]})
    agent_at = UtcTime(
        required=True, allow_none=True, metadata={"description": "When a person last answered or took over."}
    )
    until = UtcTime(
        required=True, allow_none=True,
        metadata={"description": "When the bot gets the contact back if nobody answers until then."},
    )  # fmt: skip


_BY_NUMBER = {"description": "By the `phone_number_id` of our numbers."}


class ContactAnswer(Schema):
    """A person on WhatsApp. `id` is ours and stays, whatever else changes."""

    id = fields.String(required=True, attribute="contact.id")
    name = fields.String(
        required=True, allow_none=True, metadata={"description": "What the team calls it, else `profile_name`."}
    )
    profile_name = fields.String(required=True, allow_none=True, attribute="contact.name")
    username = fields.String(required=True, allow_none=True, attribute="contact.username")
    wa_id = fields.String(required=True, allow_none=True, attribute="contact.wa_id")
    user_id = fields.String(required=True, allow_none=True, attribute="contact.user_id")
    notes = fields.String(required=True, allow_none=True, attribute="contact.notes")
    aliases = fields.List(fields.Nested(Alias), required=True)
    created_at = UtcTime(required=True, attribute="contact.created_at")
    windows = fields.Dict(fields.String(), fields.Nested(Window), required=True, metadata=_BY_NUMBER)
    opt_outs = fields.Dict(fields.String(), fields.Nested(OptOut), required=True, metadata=_BY_NUMBER)
    handling = fields.Dict(fields.String(), fields.Nested(Handling), required=True, metadata=_BY_NUMBER)


class ContactChange(Strict):
    """What to change; what is left out stays. A `name` of null shows the person's own again."""

    name = fields.String(allow_none=True, validate=validate.Length(1, 200))
    notes = fields.String(allow_none=True, validate=validate.Length(0, 10_000))
    opted_out = Flag(metadata={"description": "Whether it wants no marketing, from now on."})
    phone_number_id = fields.String(
        metadata={"description": "The number that `opted_out` is about; all that the key may use if left out."}
    )


class HandoverRequest(Strict):
    """Who is to answer a contact."""

    to = fields.String(required=True, validate=validate.OneOf(["bot", "human"]))
    phone_number_id = fields.String(metadata={"description": "Where; on all numbers that the key may use if left out."})


class ToldEvent(Schema):
    """An event about the contact, as it was told."""

    id = fields.String(required=True)
    type = fields.String(required=True)
    timestamp = UtcTime(required=True)
    data = fields.Raw(required=True)


class ExportQuery(Query):
    """How to export."""

    format = Choice(
        ["zip", "json"],
        description="`zip`, the default: `contact.json`, the page `index.html` for people, and the files of messages. "
        "`json`: the same as in `contact.json`.",
    )


class ExportedConversation(Schema):
    """What the team keeps about the conversation with one of our numbers. The messages name their number, too."""

    id = fields.String(required=True)
    phone_number_id = fields.String(required=True)
    is_closed = fields.Boolean(required=True)
    assignee = fields.String(required=True, allow_none=True, metadata={"description": "The id of a person."})
    labels = fields.List(fields.String(), required=True, metadata={"description": "Their names."})
    notes = fields.List(fields.Nested(NoteAnswer), required=True)


class ContactExport(Schema):
    """Everything we know of a contact, oldest first."""

    contact = fields.Nested(ContactAnswer, required=True)
    conversations = fields.List(fields.Nested(ExportedConversation), required=True)
    messages = fields.List(fields.Nested(NormalizedMessage), required=True)
    events = fields.List(fields.Nested(ToldEvent), required=True)
