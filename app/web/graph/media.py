"""Files, up to Meta and down from it."""

from __future__ import annotations

from flask import Response, jsonify, request

from app.errors import Invalid
from app.schemas.api.graph import GraphFile
from app.services.outbound_media import NewFile
from app.web.auth import caller
from app.web.context import gateway
from app.web.files import FILE, answer_file, hand_on
from app.web.graph.describing import describe_graph
from app.web.graph.reading import UPLOAD_LIMIT, mime_type_of, query, whole_file
from app.web.openapi.operations import given
from app.web.uploads import file_pieces

_FORM = {
    "type": "object",
    "properties": {
        "file": {"type": "string", "format": "binary"},
        "type": {"type": "string", "description": "Its media type, if the part does not say it."},
        "messaging_product": {"type": "string", "enum": ["whatsapp"]},
    },
    "required": ["file"],
}


@describe_graph("uploadMedia", "Graph media", "send", GraphFile, body=_FORM, body_type="multipart/form-data")
def upload(phone_number_id: str) -> Response:
    """Give Meta a file; the answer's `id` sends it, for thirty days. A copy is kept here.

    Where the file's content shows a type that Meta takes, Meta is told that one, and not what the caller says.
    """
    gateway().graph_proxy.number(phone_number_id, caller().numbers)
    request.max_content_length = UPLOAD_LIMIT
    given = request.files.get("file")
    if given is None:
        raise Invalid(fields={"file": ["is required: multipart/form-data with a part of this name"]})
    mime_type = gateway().upload_media.type_for_meta(
        given.stream, request.form.get("type") or mime_type_of(given), given.filename
    )
    fields = {"messaging_product": "whatsapp", "type": mime_type}
    if "ttl_minutes" in request.form:
        fields["ttl_minutes"] = request.form["ttl_minutes"]
    with given.stream:
        part = whole_file(given, fields, mime_type=mime_type)
        answer = gateway().graph_proxy.upload(phone_number_id, part, caller().numbers)
        file = NewFile(given.filename, mime_type, phone_number_id)
        gateway().upload_media.keep_copy(file, file_pieces(given.stream), answer)
        return jsonify(answer)


@describe_graph(
    "downloadGraphMedia", "Graph media", "read", FILE, parameters=(given("mid", "query", "The file's id."),)
)
def download() -> Response:
    """Download a file, at the `url` that `GET /<media_id>` shows: for five minutes without a key, then with one."""
    media_id, call = request.args.get("mid", ""), query()
    kept = gateway().graph_proxy.kept(media_id, call)
    if kept is not None:
        return answer_file(gateway().media, kept)
    return hand_on(gateway().graph_proxy.download(media_id, call))
