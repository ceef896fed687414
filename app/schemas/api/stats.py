"""Schemas of statistics: the query, and the response."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validates_schema

from app.schemas.api.lists import check_order
from app.schemas.api.query import Choice, NumberId, Query, Time
from app.schemas.normalized_message import UtcTime


class StatsQuery(Query):
    """Of when, and of which number."""

    since = Time("ISO 8601 with its offset; without it, 24 hours before `until`.")
    until = Time("ISO 8601 with its offset; without it, now.")
    phone_number_id = NumberId()

    @validates_schema(skip_on_field_errors=False)
    def check_order(self, data: dict[str, Any], **kwargs: Any) -> None:
        """Raise `ValidationError` if `since` is not before `until`."""
        check_order(data)


class SeriesQuery(StatsQuery):
    """Of when, of which number, and how fine."""

    step = Choice(["minute", "hour", "day"], description="How long each point is; minutes are kept for three days.")


class Rate(Schema):
    """How many messages, and how many a minute."""

    messages = fields.Integer(required=True)
    per_minute = fields.Float(required=True)


class Latency(Schema):
    """How long something took, in seconds; null when it never happened."""

    times = fields.Integer(required=True)
    average = fields.Float(required=True, allow_none=True)
    longest = fields.Float(required=True, allow_none=True)
    p50 = fields.Float(required=True, allow_none=True, metadata={"description": "The median."})
    p99 = fields.Float(required=True, allow_none=True, metadata={"description": "Of a hundred, one took longer."})


class Sends(Schema):
    """Tries at sending by how they ended, and messages that Meta later reported as failed."""

    accepted = fields.Integer(required=True)
    refused = fields.Integer(required=True)
    unknown_ = fields.Integer(required=True, attribute="unknown", data_key="unknown")
    failed = fields.Integer(required=True)
    error_rate = fields.Float(
        required=True, allow_none=True, metadata={"description": "Refused and failed among all tries."}
    )


class Price(Schema):
    """Messages of one number, UTC day and category of Meta's, each counted once."""

    phone_number_id = fields.String(required=True)
    day = fields.String(required=True)
    category = fields.String(required=True)
    billable = fields.Integer(required=True)
    free = fields.Integer(required=True)


class FreeService(Schema):
    """How many of a month's free service messages a number has used; Meta's own month has its account's time zone."""

    phone_number_id = fields.String(required=True)
    month = fields.String(required=True)
    used = fields.Integer(required=True)
    of = fields.Integer(required=True)


class ApiUsage(Schema):
    """How much of Graph's quota an app, or calls of one kind to one account, had used when Graph last said so.

    In percent, of the last hour. Graph reports it in responses about accounts, numbers and templates, not about sends.
    """

    app = fields.String(required=True)
    waba_id = fields.String(required=True, metadata={"description": "Empty for what the app may do in all."})
    kind = fields.String(required=True)
    call_count = fields.Integer(required=True)
    total_cputime = fields.Integer(required=True)
    total_time = fields.Integer(required=True)
    minutes_to_wait = fields.Integer(required=True, metadata={"description": "Until Graph takes calls again."})
    seen_at = UtcTime(required=True)


class StatsAnswer(Schema):
    """What came and went from `since` to `until`, moved apart to whole minutes, of a longer time to hours."""

    since = UtcTime(required=True)
    until = UtcTime(required=True)
    inbound = fields.Nested(Rate, required=True)
    outbound = fields.Nested(Rate, required=True)
    sends = fields.Nested(Sends, required=True)
    webhook_to_processed = fields.Nested(Latency, required=True)
    webhook_to_app = fields.Nested(
        Latency, required=True, metadata={"description": "Until one of your apps accepted the event; without replays."}
    )
    send = fields.Nested(Latency, required=True)
    pricing = fields.List(fields.Nested(Price), required=True)
    free_service = fields.List(fields.Nested(FreeService), required=True)
    api_usage = fields.List(fields.Nested(ApiUsage), required=True)


class Quantiles(Schema):
    """How long something took, in seconds; null when it never happened."""

    times = fields.Integer(required=True)
    p50 = fields.Float(required=True, allow_none=True)
    p99 = fields.Float(required=True, allow_none=True)


class PointAnswer(Schema):
    """What happened in one minute, hour or day of UTC; messages in both directions, and attempts by how they ended."""

    at = UtcTime(required=True, metadata={"description": "When it began."})
    inbound = fields.Integer(required=True)
    outbound = fields.Integer(required=True)
    refused = fields.Integer(required=True)
    unknown_ = fields.Integer(required=True, attribute="unknown", data_key="unknown")
    failed = fields.Integer(required=True, metadata={"description": "Messages that Meta reported as failed."})
    error_rate = fields.Float(required=True, allow_none=True)
    delivered = fields.Integer(required=True, metadata={"description": "Events that your apps accepted."})
    undelivered = fields.Integer(required=True, metadata={"description": "Tries that they did not accept."})
    bad_signatures = fields.Integer(required=True, metadata={"description": "Webhooks refused for their signature."})
    webhook_to_processed = fields.Nested(Quantiles, required=True)
    webhook_to_app = fields.Nested(Quantiles, required=True)
    send = fields.Nested(Quantiles, required=True)
