"""Schemas of the audit log: the query of the list, and the response."""

from __future__ import annotations

import json
from typing import Any

from marshmallow import Schema, fields

from app.schemas.api.lists import TimesQuery
from app.schemas.api.query import Plain
from app.schemas.normalized_message import UtcTime


class AuditQuery(TimesQuery):
    """Which entries."""

    actor = Plain(metadata={"description": "Who: `key:NAME`, `person:ID`, `cli` or `system`."})
    act = Plain(metadata={"description": "What: `contact.erased`; with a dot at its end all of a kind: `endpoint.`."})
    subject = Plain(metadata={"description": "To what: `contact:ID`, `message:ID`, `endpoint:ID`, …"})


class AuditEntryAnswer(Schema):
    """One act."""

    id = fields.Integer(required=True)
    at = UtcTime(required=True)
    actor = fields.String(required=True, metadata={"description": "`key:NAME`, `person:ID`, `cli` or `system`."})
    act = fields.String(required=True)
    subject = fields.String(required=True, metadata={"description": "A kind and our id: `contact:ID`."})
    details = fields.Function(
        lambda entry: _loaded(entry.details), required=True, metadata={"type": "object", "additionalProperties": True}
    )
    erased = fields.Function(
        lambda entry: entry.salt is None,
        required=True,
        metadata={"type": "boolean", "description": "The details are pseudonyms, since their person was erased."},
    )
    place = fields.Integer(
        required=True, allow_none=True, metadata={"description": "In the chain; null for some seconds."}
    )
    hash = fields.String(required=True, allow_none=True)


def _loaded(text: str) -> Any:
    return json.loads(text)
