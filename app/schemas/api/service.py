"""Schemas of the responses about the service itself."""

from __future__ import annotations

from marshmallow import Schema, fields


class ServiceAnswer(Schema):
    """What answers here."""

    status = fields.String(required=True)
    service = fields.String(required=True)
    version = fields.String(required=True)


class AliveAnswer(Schema):
    """It is alive; of a webhook: it is kept."""

    status = fields.Constant("ok", required=True)


class WorkerState(Schema):
    """Whether anybody works on what was kept. Never a reason not to be ready: webhooks are kept without a worker."""

    state = fields.String(required=True)
    seen_seconds_ago = fields.Float(required=True, allow_none=True)
    oldest_job_seconds = fields.Float(
        required=True, allow_none=True, metadata={"description": "How long work that is due has been waiting."}
    )


class SendingState(Schema):
    """How sending is. Never a reason not to be ready: what is queued waits."""

    meta = fields.String(required=True, metadata={"enum": ["ok", "no clear answers"]})
    oldest_due_seconds = fields.Float(
        required=True, allow_none=True, metadata={"description": "How long a queued send that is due has been waiting."}
    )
    numbers_waiting_for_meta = fields.Integer(required=True)
    numbers_waiting_for_a_token = fields.Integer(required=True)


class ReadyAnswer(Schema):
    """Whether requests should come here."""

    status = fields.String(required=True, metadata={"enum": ["ready", "not ready"]})
    database = fields.String(required=True)
    schema = fields.String(required=True)
    reason = fields.String(required=True, allow_none=True, metadata={"description": "What keeps it from being ready."})
    secrets = fields.String(
        required=True, metadata={"description": "Whether stored secrets can be decrypted with ENCRYPTION_KEY."}
    )
    settings = fields.String(
        required=True, metadata={"description": "Names what differs between the workers, or between them and here."}
    )
    draining = fields.Boolean(required=True)
    clock_ahead_seconds = fields.Float(
        required=True,
        metadata={"description": "By how much this machine's clock is ahead of the time that is gone by; behind: < 0."},
    )
    worker = fields.Nested(WorkerState, required=True)
    sending = fields.Nested(SendingState, required=True)


class DoneAnswer(Schema):
    """What was asked for was done."""

    success = fields.Boolean()
