"""Schemas of numbers: requests, responses, and the results of checks."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, post_dump, validate

from app.schemas.normalized_message import EveryKey, UtcTime
from app.schemas.patterns import Matches
from app.schemas.send.values import Number
from app.schemas.strict import Strict

_DIGITS = Matches("[0-9]{5,20}", error="must be the number that Meta shows, digits only")
_PLAIN = Matches("[!-~]{1,2000}", error="must be plain ASCII without spaces; copy it again")


class NumberChange(Strict):
    """What to change of a number; null takes a value away. Token and secrets are stored encrypted and never shown."""

    display_phone_number = fields.String(allow_none=True, validate=validate.Length(max=40))
    waba_id = fields.String(allow_none=True, validate=_DIGITS, metadata={"description": "Its business account's id."})
    app_id = fields.String(
        allow_none=True, validate=_DIGITS, metadata={"description": "Its Meta app's id, if not the settings' own."}
    )
    access_token = fields.String(
        allow_none=True, validate=_PLAIN, metadata={"description": "Its own; else that of the settings counts."}
    )
    app_secrets = fields.List(
        fields.String(validate=_PLAIN),
        allow_none=True,
        validate=validate.Length(max=5),
        metadata={"description": "Its app's, several while they are rotated; else those of the settings count."},
    )

    rate = Number(
        allow_none=True,
        validate=validate.Range(0, 1000, min_inclusive=False, error="must be above 0, at most 1000"),
        metadata={"description": "Messages a second that Meta allows it; else `MESSAGES_PER_SECOND`."},
    )


class NumberRequest(NumberChange):
    """A number to add."""

    phone_number_id = fields.String(required=True, validate=_DIGITS)


class PaceAnswer(EveryKey):
    """How a number's queue moves."""

    queued = fields.Dict(
        keys=fields.String(), values=fields.Integer(), metadata={"description": "How many wait, by priority."}
    )
    share = fields.Float(metadata={"description": "Of the rate; less for a while after Meta said it was too much."})
    paused_for = fields.String(
        allow_none=True, metadata={"description": "`auth`: the token is not accepted; `rate`: Meta wants less."}
    )
    paused_until = UtcTime(allow_none=True)
    in_doubt = fields.Boolean(metadata={"description": "Meta gave no clear answers; sends wait while it is asked."})
    bulk_stopped_by = fields.Integer(
        allow_none=True, metadata={"description": "Meta's code that stopped campaigns, until a batch is resumed."}
    )


class NumberAnswer(EveryKey):
    """A number of ours. `app` is its Meta app: its id, a mark of its secret, or `default` for the settings' own."""

    phone_number_id = fields.String()
    display_phone_number = fields.String(allow_none=True)
    waba_id = fields.String(allow_none=True)
    app = fields.String()
    source = fields.String(metadata={"enum": ["settings", "added"]})
    has_own_token = fields.Boolean()
    has_own_secret = fields.Boolean()
    rate = fields.Float(metadata={"description": "Messages a second."})
    pace = fields.Nested(PaceAnswer())

    @post_dump
    def add_plus(self, data: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        """Write the number in E.164 with +."""
        digits = data["display_phone_number"]
        return {**data, "display_phone_number": f"+{digits}" if digits else None}


class FindingAnswer(EveryKey):
    """One thing that was looked at."""

    name = fields.String()
    state = fields.String(metadata={"enum": ["ok", "warning", "problem", "unknown"]})
    value = fields.String(allow_none=True, metadata={"description": "What Meta said."})
    text = fields.String(metadata={"description": "The same for people."})
    remedy = fields.String(allow_none=True, metadata={"description": "What to do about it; null where all is well."})


class CheckAnswer(EveryKey):
    """How a number is, by Meta's account. `ok` is true when it is known that nothing is in the way of its work."""

    phone_number_id = fields.String()
    ok = fields.Boolean()
    state = fields.String(
        metadata={"enum": ["ok", "problem", "unknown"], "description": "`unknown`: not everything could be asked."}
    )
    checked_at = UtcTime()
    findings = fields.List(fields.Nested(FindingAnswer))
