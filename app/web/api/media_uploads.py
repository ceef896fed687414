"""Upload files to send."""

from __future__ import annotations

import json
from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from marshmallow import ValidationError

from app.domain.outbound_media import LARGEST, Purpose
from app.errors import Invalid
from app.schemas.api.media import PURPOSES, MediaAnswer, UploadQuery
from app.services.outbound_media import NewFile, Received
from app.web import query, uploads
from app.web.api.media import shown
from app.web.auth import caller, requires
from app.web.context import gateway
from app.web.idempotency import carry_out_once, key_of_request, takes_key_itself
from app.web.openapi.operations import describe

bp = requires("send", Blueprint("media_uploads", __name__, url_prefix="/api/media"))

MULTIPART, FORM = "multipart/form-data", "application/x-www-form-urlencoded"
_ANSWER = MediaAnswer()
_FORM = {
    "type": "object",
    "properties": {
        "file": {"type": "string", "format": "binary"},
        "type": {"type": "string", "enum": PURPOSES, "description": "As in the query."},
        "phone_number_id": {"type": "string", "description": "As in the query."},
        "filename": {"type": "string", "description": "As in the query."},
    },
    "required": ["file"],
}


@bp.post("")
@describe(
    "uploadFile", "Media", {201: MediaAnswer}, body=_FORM, body_type=MULTIPART, query=UploadQuery,
    errors=(400, 404, 409, 413, 503), scope="send",
)  # fmt: skip
@takes_key_itself
def upload() -> ResponseReturnValue:
    """Upload a file of at most 100 MB, in a form or as the whole body; its `id` stands in sends where Meta's would.

    The type is found by the content. What only needs another container or codec is converted before it is sent: a
    browser's recording, a WebP or HEIC picture. With `type` a file that Meta would not take is refused now.
    """
    given: dict[str, Any] = dict(query.query())
    with uploads.receiving(LARGEST):
        if request.mimetype == MULTIPART:
            with uploads.form_file(LARGEST) as stream:
                file = _new_file(_form_values() | given, next(iter(request.files.values())))
                received = gateway().upload_media.receive(file, uploads.file_pieces(stream), caller().numbers)
        elif request.mimetype == FORM:
            raise Invalid(fields={"file": [
                "is required: a multipart form with it, or the file alone with its own Content-Type"
            ]})  # fmt: skip
        else:
            file = _new_file(given, None)
            received = gateway().upload_media.receive(file, uploads.raw_pieces(LARGEST), caller().numbers)
    with received:
        retry = key_of_request("POST /api/media", _fingerprint(received))
        if retry is None:
            return _keep(received)
        return carry_out_once(retry, lambda: _keep(received))


def _keep(received: Received) -> ResponseReturnValue:
    return _ANSWER.dump(shown(gateway().upload_media.keep(received))), 201


def _form_values() -> dict[str, Any]:
    try:
        # A part without a name has None for one.
        return UploadQuery().read((name or "", texts) for name, texts in request.form.lists())
    except ValidationError as error:
        assert isinstance(error.messages, dict)
        raise Invalid(fields=error.messages) from None


def _new_file(values: dict[str, Any], part: Any) -> NewFile:
    """Return what the caller says of its file: in query or form, in the headers of the part, or of the request."""
    return NewFile(
        filename=values.get("filename") or (part.filename if part is not None else None),
        mime_type=(part.mimetype if part is not None else request.mimetype) or None,
        phone_number_id=values.get("phone_number_id"),
        purpose=Purpose(values["type"]) if "type" in values else None,
    )


def _fingerprint(received: Received) -> bytes:
    """Return what makes two uploads with one key the same request. The boundary of a form differs in a retry."""
    file = received.file
    said = [received.sha256, file.filename, file.mime_type, file.phone_number_id, file.purpose]
    return json.dumps(said).encode()
