"""Meta's Resumable Upload API: a template's sample, a profile's picture."""

from __future__ import annotations

import re

from flask import request
from marshmallow import ValidationError

from app.errors import Invalid
from app.graph.uploads import PREFIX, NewFile
from app.schemas.api.graph import LARGEST_FILE, HandleAnswer, UploadAnswer, UploadRequest
from app.schemas.send.base import flatten
from app.web.auth import caller
from app.web.context import gateway
from app.web.graph.describing import describe_graph
from app.web.graph.reading import body_bytes, parse
from app.web.openapi.operations import given

Json = dict[str, object]
_BYTES = {"type": "string", "format": "binary"}
_OFFSET = given(
    "file_offset", "header", "Where in the file the body begins.", required=False, pattern="^[0-9]{1,12}$"
)


@describe_graph("startUpload", "Graph media", "send", UploadAnswer, query=UploadRequest)
def start_upload(app_id: str) -> Json:
    """Announce a file of the app's (`app`: the token's own). The answer's `id`, `upload:…`, is where its bytes go."""
    try:
        asked = UploadRequest().load({**(parse(body_bytes()) or {}), **request.args})
    except ValidationError as error:
        raise Invalid(fields=flatten(error.messages)) from error
    return {"id": gateway().graph_uploads.start(app_id, NewFile(**asked), caller().numbers)}


@describe_graph(
    "appendToUpload", "Graph media", "send", HandleAnswer,
    body=_BYTES, body_type="application/octet-stream", parameters=(_OFFSET,),
)  # fmt: skip
def append_to_upload(upload: str) -> Json:
    """Send a file's bytes, whole or from `file_offset` on. With the last of them comes its handle, `h`."""
    request.max_content_length = LARGEST_FILE + 1  # one more than is read: at its limit the stream is an error
    size, offset = request.content_length, _offset()
    return gateway().graph_uploads.append(PREFIX + upload, request.stream, size, offset, caller().numbers)


@describe_graph("getUpload", "Graph media", "send", UploadAnswer)
def show_upload(upload: str) -> Json:
    """Show where to go on with an upload after a break: the `file_offset` that Meta has come to."""
    upload_id = PREFIX + upload
    return {"id": upload_id, "file_offset": gateway().graph_uploads.offset(upload_id, caller().numbers)}


def _offset() -> int | None:
    given = request.headers.get("file_offset")
    if given is not None and not re.fullmatch("[0-9]{1,12}", given):
        raise Invalid(fields={"file_offset": ["must be a number of bytes"]})
    return None if given is None else int(given)
