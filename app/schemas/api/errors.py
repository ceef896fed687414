"""The schema of all errors of the API."""

from __future__ import annotations

from marshmallow import Schema, fields

CODES = (
    "malformed", "unauthenticated", "forbidden", "not_found", "method_not_allowed", "too_slow", "idempotency_conflict",
    "wrong_state", "answered_meanwhile", "already_exists", "cursor_gone", "gone", "length_required", "too_large",
    "uri_too_long",
    "unsupported_media_type", "invalid_request", "idempotency_mismatch", "window_closed", "opted_out",
    "template_invalid", "refused", "throttled", "unknown", "internal", "meta_unauthorised", "unavailable",
)  # fmt: skip
"""All values of an error's `code`."""


class ErrorDetails(Schema):
    """Why not, for programs (`code`, `fields`, `meta`) and for people (`message`)."""

    code = fields.String(
        required=True, metadata={"enum": list(CODES), "description": "Stable; what a program should look at."}
    )
    message = fields.String(required=True, metadata={"description": "For people. May be worded anew any day."})
    retryable = fields.Boolean(required=True, metadata={"description": "Whether the same request may succeed later."})
    fields_ = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.String()),
        data_key="fields",
        metadata={"description": "What is wrong with each field, by its dotted path."},
    )
    meta = fields.Dict(metadata={"description": "What Meta said: `code`, `details`, `fbtrace_id`, …"})


class ErrorAnswer(Schema):
    """Something was refused, or cannot be done now."""

    success = fields.Constant(False, required=True)
    error = fields.Nested(ErrorDetails, required=True)
    id = fields.String(metadata={"description": "Our id of the message, where one was kept in spite of the error."})
    request_id = fields.String(required=True, metadata={"description": "The same as the header `X-Request-ID`."})
