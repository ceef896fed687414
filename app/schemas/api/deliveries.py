"""Schemas of deliveries: the query of the list, and the responses."""

from __future__ import annotations

from marshmallow import fields, validate

from app.schemas.api.lists import PageQuery
from app.schemas.api.query import Choice, Plain
from app.schemas.normalized_message import EveryKey, UtcTime
from app.schemas.patterns import Matches
from app.schemas.strict import Strict

STATES = ["pending", "delivered", "dead", "stale", "withheld"]


class DeliveryQuery(PageQuery):
    """Which deliveries."""

    state = Choice(STATES)
    endpoint = Plain(metadata={"description": "An endpoint's id."})
    event = Plain(metadata={"description": "An event's id."})


class DeliveryAnswer(EveryKey):
    """One event owed to one endpoint."""

    id = fields.String()
    endpoint_id = fields.String()
    event_id = fields.String()
    state = fields.String(metadata={"enum": STATES})
    is_replay = fields.Boolean()
    attempts = fields.Integer(metadata={"description": "Tries so far; counted anew when a dead one is retried."})
    due_at = UtcTime(
        allow_none=True, metadata={"description": "When it is tried next; null when that is never, or with another."}
    )
    carried_by = fields.String(
        allow_none=True, metadata={"description": "The delivery that it is, or was, posted together with."}
    )
    reason = fields.String(allow_none=True, metadata={"description": "Why it is not delivered."})
    created_at = UtcTime()
    finished_at = UtcTime(allow_none=True)


class TryAnswer(EveryKey):
    """One try. Without a `status` no answer came, and `error` says why.

    A Python handler that returned has the status 200; the answer of one that raised is its traceback.
    """

    number = fields.Integer()
    started_at = UtcTime()
    duration_ms = fields.Integer()
    status = fields.Integer(allow_none=True)
    error = fields.String(allow_none=True)
    answer = fields.String(allow_none=True, metadata={"description": "At most 64 KiB of what it answered."})
    note = fields.String(
        allow_none=True, metadata={"description": "Why a delivered event's answer is not sent to the customer."}
    )


class DeliveryDetails(DeliveryAnswer):
    """One event owed to one endpoint, with every try at delivering it."""

    tries = fields.List(fields.Nested(TryAnswer))


class EndpointBacklogAnswer(EveryKey):
    """What one endpoint is owed: deliveries that wait, and those that were given up."""

    endpoint_id = fields.String()
    pending = fields.Integer()
    due_since = UtcTime(allow_none=True, metadata={"description": "Since when the first is due; null if none is."})
    dead = fields.Integer()
    stale = fields.Integer()


class RetryManyRequest(Strict):
    """Which deliveries to try."""

    ids = fields.List(
        fields.String(validate=Matches("[0-9]{1,18}", error="must be a delivery's id")),
        required=True,
        validate=validate.Length(1, 100),
    )


class RetryManyAnswer(EveryKey):
    """How many are tried, and how many could not be: delivered meanwhile, or unknown."""

    count = fields.Integer()
    refused = fields.Integer()
