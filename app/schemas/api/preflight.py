"""Schemas of the check before a send."""

from __future__ import annotations

from marshmallow import fields

from app.schemas.api.errors import ErrorDetails
from app.schemas.normalized_message import EveryKey, UtcTime


class PreflightAnswer(EveryKey):
    """Whether a send would succeed now, and if not, why."""

    ok = fields.Boolean(metadata={"description": "Nothing on our side stands against it. Meta was not asked."})
    phone_number_id = fields.String(allow_none=True, metadata={"description": "The number that would send it."})
    at = UtcTime(allow_none=True, metadata={"description": "When its turn would be."})
    problems = fields.List(fields.Nested(ErrorDetails), metadata={"description": "What the send would answer."})
    warnings = fields.List(fields.String(), metadata={"description": "They stop no send."})
