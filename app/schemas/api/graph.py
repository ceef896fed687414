"""Schemas of Graph's requests and responses that the proxy under `/graph` handles itself."""

from __future__ import annotations

from marshmallow import EXCLUDE, INCLUDE, Schema, fields, validate

from app.schemas.api.errors import CODES

LARGEST_FILE = 100 * 1024 * 1024
"""Meta's limit of a document, in bytes."""


TOKEN_SCOPES = (
    ("send", "whatsapp_business_messaging"),
    ("read", "whatsapp_business_messaging"),
    ("admin", "whatsapp_business_management"),
)
"""Pairs of a scope of ours and Meta's corresponding permission."""


class GraphErrorData(Schema):
    """What a person should know."""

    messaging_product = fields.Constant("whatsapp")
    details = fields.String()


class GatewayWords(Schema):
    """What this gateway says of an error, beside Meta's own words."""

    code = fields.String(required=True, metadata={"description": "As in the errors of `/api`.", "enum": list(CODES)})
    message = fields.String(required=True)
    retryable = fields.Boolean(required=True)
    id = fields.String(metadata={"description": "Our id of the message, where one was kept in spite of the error."})
    fields_ = fields.Dict(keys=fields.String(), values=fields.List(fields.String()), data_key="fields")


class GraphErrorDetails(Schema):
    """Why not. What Meta said is here as it came, with whatever else Meta wrote."""

    class Meta:
        unknown = INCLUDE

    message = fields.String(required=True)
    type = fields.String(required=True)
    code = fields.Integer(required=True, metadata={"description": "Meta's code; what a program should look at."})
    error_subcode = fields.Integer()
    error_user_title = fields.String()
    error_user_msg = fields.String()
    is_transient = fields.Boolean()
    error_data = fields.Nested(GraphErrorData)
    fbtrace_id = fields.String(required=True, metadata={"description": "Meta's, or the request's `X-Request-ID`."})
    gateway = fields.Nested(GatewayWords)


class GraphError(Schema):
    """An error as Graph words it."""

    error = fields.Nested(GraphErrorDetails, required=True)


class UploadRequest(Schema):
    """A file as it is announced; in the query, or in the body."""

    class Meta:
        unknown = EXCLUDE  # SDKs add `access_token` and the like

    file_name = fields.String(load_default="file", validate=validate.Length(1, 255))
    file_length = fields.Integer(
        required=True, validate=validate.Range(1, LARGEST_FILE), metadata={"description": "Bytes, at most 100 MB."}
    )
    file_type = fields.String(
        required=True,
        validate=validate.Length(1, 127),
        metadata={"description": "Meta takes `application/pdf`, `image/jpeg`, `image/png` and `video/mp4`."},
    )


class UploadAnswer(Schema):
    """An upload, and how many bytes of it Meta has."""

    id = fields.String(required=True)
    file_offset = fields.Integer()


class HandleAnswer(Schema):
    """What a template's `header_handle` or a profile's `profile_picture_handle` takes."""

    h = fields.String(metadata={"description": "Comes with the last bytes."})


class GraphContact(Schema):
    """Whom a message goes to."""

    input = fields.String(metadata={"description": "As it was written."})
    wa_id = fields.String()
    user_id = fields.String(metadata={"description": "Meta's business-scoped user id."})


class GraphSentMessage(Schema):
    """A message that was taken."""

    id = fields.String(required=True, metadata={"description": "Meta's id (wamid); ours, where Meta's never came."})
    group_id = fields.String()
    message_status = fields.String(metadata={"enum": ["accepted", "held_for_quality_assessment", "queued", "unknown"]})


class GraphSent(Schema):
    """A message that was taken, in Graph's words."""

    messaging_product = fields.String(required=True, validate=validate.OneOf(["whatsapp"]))
    contacts = fields.List(fields.Nested(GraphContact), required=True)
    messages = fields.List(fields.Nested(GraphSentMessage), required=True)


class GraphDone(Schema):
    """It was done."""

    success = fields.Boolean(required=True)


class GraphFile(Schema):
    """A file at Meta."""

    id = fields.String(required=True, metadata={"description": "What a message sends it by."})


class GraphToken(Schema):
    """A key, as Meta gives an app its token."""

    access_token = fields.String(required=True)
    token_type = fields.String(required=True)


class GraphMe(Schema):
    """Who a key is."""

    id = fields.String(required=True)
    name = fields.String(required=True)
