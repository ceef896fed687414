"""Schemas of endpoints: requests and responses."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from app.domain.known_names import EVENT_TYPES, MESSAGE_TYPES, REPORTED_STATUSES, UnknownName, check
from app.schemas.normalized_message import EveryKey, UtcTime
from app.schemas.patterns import Matches
from app.schemas.send.values import Flag, Whole
from app.schemas.strict import Strict

_FEW = validate.Length(1, 100)
_URL = {"pattern": r"^[Hh][Tt][Tt][Pp][Ss]?://[!-\[\]-~]+$", "maxLength": 2000}
_SECRET = {"pattern": "^[!-~]{16,200}$"}


class Name(fields.String):
    """A known name, or any name with the prefix `unknown:`, which removes the check for spelling mistakes."""

    def __init__(self, known: Collection[str], *, wildcard: bool = False) -> None:
        super().__init__(validate=validate.Length(1, 100))
        self.known, self.wildcard = known, wildcard

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        name: str = super()._deserialize(value, attr, data, **kwargs)
        try:
            check(name, self.known, wildcard=self.wildcard)
        except UnknownName as wrong:
            raise ValidationError(str(wrong)) from None
        return name


class EndpointChange(Strict):
    """What may be changed of an endpoint."""

    url = fields.String(
        metadata={"description": "https://… or http://…; a public address, or one that is allowed.", **_URL}
    )
    description = fields.String(validate=validate.Length(max=200), allow_none=True)
    ordered = Flag(metadata={"description": "One event of a contact after the other. Default: true."})
    replies = Flag(metadata={"description": "Send what it answers to the customer. Default: false."})
    paused = Flag(metadata={"description": "Owe it everything, and deliver nothing for now."})
    disabled = Flag(metadata={"description": "False lets one that was given up begin anew."})
    types = fields.List(
        Name(EVENT_TYPES, wildcard=True), validate=_FEW, allow_none=True,
        metadata={"description": "As `message.received`, or `message.*`. Null: every type."},
    )  # fmt: skip
    statuses = fields.List(
        Name(REPORTED_STATUSES), validate=_FEW, allow_none=True,
        metadata={"description": "Of `message.status`: these alone. Null: every status."},
    )  # fmt: skip
    message_types = fields.List(
        Name(MESSAGE_TYPES), validate=_FEW, allow_none=True,
        metadata={"description": "Of `message.received`: these alone. Null: every type of message."},
    )  # fmt: skip
    numbers = fields.List(
        fields.String(validate=Matches("[0-9]{5,20}")), validate=_FEW, allow_none=True,
        metadata={"description": "Events about these phone_number_ids alone. Null: all of them."},
    )  # fmt: skip
    max_age_seconds = Whole(
        validate=validate.Range(1, 31_536_000), allow_none=True,
        metadata={"description": "What is older when its turn comes is `stale` and not delivered."},
    )  # fmt: skip
    max_per_second = Whole(validate=validate.Range(1, 1000), allow_none=True)
    max_in_flight = Whole(validate=validate.Range(1, 256), allow_none=True)
    debounce_seconds = Whole(
        validate=validate.Range(1, 300), allow_none=True,
        metadata={"description": "Join what a contact writes until it pauses for so long; see `data.messages`."},
    )  # fmt: skip
    batch = Whole(
        validate=validate.Range(1, 100), allow_none=True,
        metadata={"description": "Post up to so many events at once, as `{\"events\":[…]}`."},
    )  # fmt: skip
    split = Flag(
        metadata={
            "description": "Of `meta`: one message or status a POST (true, the default), or, with `ordered` false, "
            "everything that a notification of Meta's says of a number.",
        },
    )


class EndpointRequest(EndpointChange):
    """A new endpoint."""

    class Meta(Strict.Meta):
        exclude = ("disabled",)

    url = fields.String(required=True, metadata={"description": "https://… or http://…", **_URL})
    format = fields.String(
        validate=validate.OneOf(["event", "meta"]),
        metadata={"description": "`event` (default), or `meta` for Meta's own JSON with `X-Hub-Signature-256`."},
    )
    secret = fields.String(
        metadata={"description": "`whsec_…`, or any for `meta`; one is made when there is none.", **_SECRET}
    )


class SecretRequest(Strict):
    """Another secret."""

    secret = fields.String(
        metadata={"description": "`whsec_…`, or any for `meta`; one is made when there is none.", **_SECRET}
    )


class ReplayRequest(Strict):
    """What to deliver again: one event, everything that is dead, or everything received between two times."""

    event_id = fields.String(validate=validate.Length(36, 36))
    dead = Flag(validate=validate.OneOf([True], error="must be true"))
    since = fields.AwareDateTime(format="iso")
    until = fields.AwareDateTime(format="iso")

    @validates_schema(skip_on_field_errors=False)
    def check_one(self, data: dict[str, Any], **kwargs: Any) -> None:
        """Require exactly one of the three selections."""
        named = [name for name in ("event_id", "dead", "since") if name in data]
        if len(named) != 1 or ("until" in data and named != ["since"]):
            raise ValidationError("write one of: event_id; dead; since, with or without until", "event_id")


class EndpointAnswer(EveryKey):
    """One of the user's apps, or one of their Python handlers."""

    id = fields.String()
    url = fields.Function(
        lambda row: None if row.format == "handler" else row.url,
        allow_none=True,
        metadata={"type": "string", "description": "Null for a Python handler."},
    )
    handler = fields.Function(
        lambda row: row.url if row.format == "handler" else None,
        allow_none=True,
        metadata={"type": "string", "description": "A Python handler's name, `module:function`."},
    )
    description = fields.String(allow_none=True)
    format = fields.String(metadata={"enum": ["event", "meta", "handler"]})
    state = fields.Method("word", metadata={"enum": ["active", "failing", "paused", "disabled"]})
    disabled_reason = fields.String(allow_none=True)
    failing_since = UtcTime(allow_none=True)
    retry_at = UtcTime(
        attribute="open_until",
        allow_none=True,
        metadata={"description": "When one event is tried, to see how it is."},
    )
    ordered = fields.Boolean()
    replies = fields.Boolean()
    types = fields.List(fields.String(), allow_none=True)
    statuses = fields.List(fields.String(), allow_none=True)
    message_types = fields.List(fields.String(), allow_none=True)
    numbers = fields.List(fields.String(), allow_none=True)
    max_age_seconds = fields.Integer(allow_none=True)
    max_per_second = fields.Integer(allow_none=True)
    max_in_flight = fields.Integer(allow_none=True)
    debounce_seconds = fields.Integer(allow_none=True)
    batch = fields.Integer(allow_none=True)
    split = fields.Boolean()
    created_at = UtcTime()
    updated_at = UtcTime()

    def word(self, endpoint: Any) -> str:
        """Return the state of the endpoint."""
        if endpoint.disabled_at is not None:
            return "disabled"
        if endpoint.paused:
            return "paused"
        return "failing" if endpoint.open_until is not None else "active"


class NewEndpointAnswer(EndpointAnswer):
    """A new endpoint, with its secret, which is shown this once."""

    secret = fields.String()


class SecretAnswer(EveryKey):
    """The new secret, shown this once. The one before signs too for 24 hours."""

    secret = fields.String()


class TestAnswer(EveryKey):
    """What came of the test event."""

    success = fields.Boolean(attribute="answer.is_success")
    status = fields.Integer(attribute="answer.status", allow_none=True)
    error = fields.String(attribute="answer.error", allow_none=True)
    duration_ms = fields.Function(lambda tested: round(tested.answer.seconds * 1000), metadata={"type": "integer"})
    answer = fields.Function(lambda it: it.answer.body.decode("utf-8", "replace"), metadata={"type": "string"})
    warnings = fields.List(
        fields.String(),
        metadata={"description": "Of a success: what speaks for an app that answers 2xx and drops everything."},
    )


class ReplayAnswer(EveryKey):
    """How many are to be delivered again."""

    count = fields.Integer()
