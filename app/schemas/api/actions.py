"""Schemas of the actions on one message."""

from __future__ import annotations

from marshmallow import Schema, fields


class ActionAnswer(Schema):
    """The message's status from now on."""

    success = fields.Boolean(required=True)
    id = fields.String(required=True)
    status = fields.String(required=True)
