"""Schemas of files: the query of the list, and the response."""

from __future__ import annotations

from marshmallow import Schema, fields

from app.domain.media import MediaState
from app.domain.outbound_media import Purpose
from app.schemas.api.lists import PageQuery
from app.schemas.api.query import Choice, NumberId, Plain, Query
from app.schemas.normalized_message import UtcTime

DIRECTIONS = ["inbound", "outbound"]
PURPOSES = [each.value for each in Purpose]


class MediaQuery(PageQuery):
    """Which files."""

    state = Choice([each.value for each in MediaState])
    direction = Choice(DIRECTIONS)
    phone_number_id = NumberId()
    message_id = Plain(metadata={"description": "Our id of the message that has the file."})


class UploadQuery(Query):
    """What the uploader says of its file."""

    type = Choice(PURPOSES, description="What it is to be sent as; a file that Meta would not take is refused now.")
    filename = Plain(metadata={"description": "Its name, which the customer sees if it is sent as a document."})
    phone_number_id = NumberId()


class MediaAnswer(Schema):
    """A file of a message."""

    id = fields.String(required=True, metadata={"description": "Our id: `content.media_id` of the message."})
    direction = fields.String(required=True, metadata={"enum": DIRECTIONS})
    state = fields.String(
        required=True,
        metadata={
            "enum": [each.value for each in MediaState],
            "description": "`stored` here; `pending`: being fetched; `at_meta`: not kept here; `gone` at Meta before it"
            " was fetched; `refused`: not what Meta said; `erased` here.",
        },
    )
    reason = fields.String(required=True, allow_none=True, metadata={"description": "Why it is not stored (yet)."})
    phone_number_id = fields.String(required=True)
    message_id = fields.String(required=True, allow_none=True, metadata={"description": "Our id of the message."})
    meta_media_id = fields.String(required=True, allow_none=True, metadata={"description": "Meta's id of the file."})
    mime_type = fields.String(
        required=True, allow_none=True, metadata={"description": "By its content once it is stored, else as Meta said."}
    )
    size = fields.Integer(required=True, allow_none=True, metadata={"description": "Bytes; null until it is stored."})
    sha256 = fields.String(required=True, allow_none=True, metadata={"description": "In hexadecimal, once stored."})
    filename = fields.String(required=True, allow_none=True, metadata={"description": "As the sender has it."})
    created_at = UtcTime(required=True)
    stored_at = UtcTime(required=True, allow_none=True)
    expires_at = UtcTime(required=True, allow_none=True, metadata={"description": "When Meta deletes its copy."})
    url = fields.String(
        required=True, metadata={"description": "A path that opens the file for an hour without a key."}
    )
    thumbnail_url = fields.String(
        required=True, allow_none=True, metadata={"description": "The same for a small JPEG of a picture."}
    )
