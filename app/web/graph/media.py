"""Files, up to Meta and down from it."""

from __future__ import annotations

import mimetypes
import os

from flask import Response, jsonify, request

from app.errors import Invalid
from app.graph.files import Upload
from app.schemas.api.graph import LARGEST_FILE
from app.web.auth import caller
from app.web.context import gateway
from app.web.files import hand_on
from app.web.graph.reading import query

LIMIT = LARGEST_FILE + 1024 * 1024
"""The form around a file needs room, too."""


def upload(phone_number_id: str) -> Response:
    """Give Meta a file; the answer's `id` sends it, for thirty days."""
    gateway().graph_face.number(phone_number_id, caller().numbers)
    request.max_content_length = LIMIT
    given = request.files.get("file")
    if given is None:
        raise Invalid(fields={"file": ["is required: multipart/form-data with a part of this name"]})
    with given.stream as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        guessed = mimetypes.guess_type(given.filename or "")[0]
        mime_type = request.form.get("type") or given.mimetype or guessed or "application/octet-stream"
        fields = {"messaging_product": "whatsapp", "type": mime_type}
        if "ttl_minutes" in request.form:
            fields["ttl_minutes"] = request.form["ttl_minutes"]
        part = Upload(file, size, filename=given.filename or "file", mime_type=mime_type, fields=fields)
        return jsonify(gateway().graph_face.upload(phone_number_id, part, caller().numbers))


def download() -> Response:
    """The bytes of a file, at the `url` that `GET /<media_id>` shows: for five minutes without a key, then with one."""
    return hand_on(gateway().graph_face.download(request.args.get("mid", ""), query()))
