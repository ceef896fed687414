"""The shape of Graph's errors, which the Graph-compatible face has, too."""

from __future__ import annotations

from marshmallow import Schema, fields


class GraphErrorData(Schema):
    """What a person should know."""

    messaging_product = fields.Constant("whatsapp")
    details = fields.String()


class GraphErrorDetails(Schema):
    """Why not."""

    message = fields.String(required=True)
    type = fields.String(required=True)
    code = fields.Integer(required=True, metadata={"description": "Meta's code; what a program should look at."})
    error_subcode = fields.Integer()
    is_transient = fields.Boolean()
    error_data = fields.Nested(GraphErrorData)
    fbtrace_id = fields.String(required=True, metadata={"description": "Meta's, or the request's `X-Request-ID`."})


class GraphError(Schema):
    """An error as Graph words it."""

    error = fields.Nested(GraphErrorDetails, required=True)
