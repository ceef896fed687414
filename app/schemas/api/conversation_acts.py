"""Schemas of what the team does to conversations, and of the labels and quick replies that it chooses from."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from app.schemas.normalized_message import EveryKey
from app.schemas.send.values import Flag
from app.schemas.strict import Strict


class AssignRequest(Strict):
    """Who is to have a conversation."""

    assignee = fields.String(
        required=True, allow_none=True, metadata={"description": "The id of a person; null for nobody."}
    )
    only_if_free = Flag(metadata={"description": "Refuse (409) if somebody else has it already."})


class LabelsRequest(Strict):
    """The labels of a conversation from now on."""

    labels = fields.List(
        fields.String(), required=True, metadata={"description": "Ids of labels; those left out are taken off."}
    )


class NoteRequest(Strict):
    """A note for the team."""

    text = fields.String(required=True, validate=validate.Length(1, 4000))


class SeenRequest(Strict):
    """How far the team has seen a thread."""

    message_id = fields.String(required=True, metadata={"description": "Our id of the newest message that was seen."})


class CloseRequest(Strict):
    """Up to which message the thread was seen that is to be closed."""

    message_id = fields.String(
        metadata={"description": "Our id of it: refuse (409) if the customer has written since."}
    )


class SeenAnswer(Schema):
    """What is unread still."""

    success = fields.Boolean(required=True)
    unread = fields.Integer(required=True)


class LabelRequest(Strict):
    """A label."""

    name = fields.String(required=True, validate=validate.Length(1, 40))
    colour = fields.String(validate=validate.Regexp("^#[0-9A-Fa-f]{6}$"), metadata={"description": "`#rrggbb`."})


class LabelChange(Strict):
    """What to change of a label; what is left out stays."""

    name = fields.String(validate=validate.Length(1, 40))
    colour = fields.String(validate=validate.Regexp("^#[0-9A-Fa-f]{6}$"), metadata={"description": "`#rrggbb`."})


class QuickReplyRequest(Strict):
    """A text that agents insert by its shortcut."""

    shortcut = fields.String(
        required=True, validate=validate.Length(1, 41), metadata={"description": "One word, without the slash."}
    )
    text = fields.String(required=True, validate=validate.Length(1, 4096))
    phone_number_id = fields.String(
        allow_none=True, metadata={"description": "The number it is for; all numbers if left out."}
    )


class QuickReplyAnswer(EveryKey):
    """A text that agents insert by its shortcut."""

    id = fields.String()
    shortcut = fields.String()
    text = fields.String()
    phone_number_id = fields.String(allow_none=True)
