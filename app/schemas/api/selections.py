"""Schemas of the selection of messages for an action on many at once."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from app.domain.holds import HeldFor
from app.schemas.send.values import Flag, Whole
from app.schemas.strict import Strict

_NAMED = ("all", "phone_number_id", "batch", "reason", "older_than_seconds")


class SelectionRequest(Strict):
    """Which messages are meant: those for which everything given is true. `all` for no bounds."""

    all = Flag(metadata={"description": "Every one that the action is for."})
    phone_number_id = fields.String(validate=validate.Length(1, 64))
    batch = fields.String(validate=validate.Length(1, 64))
    reason = fields.String(validate=validate.OneOf([str(reason) for reason in HeldFor]))
    older_than_seconds = Whole(validate=validate.Range(0, 10**9))

    @validates_schema
    def _says_which(self, data: dict[str, Any], **_: Any) -> None:
        if not any(data.get(name) for name in _NAMED):
            raise ValidationError(f"needs one of: {', '.join(_NAMED)}", "all")


class RetryRequest(SelectionRequest):
    """The same for another try: of messages in `status`, `failed` without it."""

    status = fields.String(validate=validate.OneOf(["failed", "expired", "cancelled", "held"]))


class DoneManyAnswer(Schema):
    """How many messages were moved, how many are left as they are by the error's code, and whether there are more."""

    success = fields.Boolean(required=True)
    moved = fields.Integer(required=True)
    refused = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    more = fields.Boolean(required=True)
