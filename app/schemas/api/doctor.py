"""Schemas of the doctor's report."""

from __future__ import annotations

from marshmallow import Schema, fields

from app.schemas.api.query import Query
from app.schemas.normalized_message import UtcTime

STATES = ["ok", "warn", "fail", "skipped"]
PARTS = ["settings", "storage", "processes", "meta", "callback"]


class DoctorQuery(Query):
    """Which checks."""

    checks = fields.String(metadata={"description": "Names of checks, comma-separated; all without it."})


class DoctorLineAnswer(Schema):
    """One thing that was looked at."""

    name = fields.String(required=True, metadata={"description": "The check's name."})
    part = fields.String(required=True, metadata={"enum": PARTS})
    checked = fields.String(required=True, metadata={"description": "What was looked at."})
    state = fields.String(
        required=True,
        metadata={"enum": STATES, "description": "`skipped`: nothing to check, or another line says why not."},
    )
    found = fields.String(required=True, metadata={"description": "What was found."})
    remedy = fields.String(required=True, allow_none=True, metadata={"description": "What to do; null if all is well."})
    subject = fields.String(
        required=True, allow_none=True, metadata={"description": "The number, account or folder it is about."}
    )
    fix = fields.String(
        required=True, allow_none=True, metadata={"description": "What `flask doctor --fix` would do about it."}
    )


class DoctorAnswer(Schema):
    """How this installation is, from its settings to Meta."""

    state = fields.String(required=True, metadata={"enum": STATES[:3], "description": "That of the worst line."})
    checked_at = UtcTime(required=True)
    seconds = fields.Float(required=True, metadata={"description": "How long it took; at most 15."})
    lines = fields.List(fields.Nested(DoctorLineAnswer), required=True)
