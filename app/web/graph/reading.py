"""Requests as SDKs write them to Graph, and what of them goes on to Meta."""

from __future__ import annotations

import json
import mimetypes
import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from flask import request
from werkzeug.datastructures import FileStorage

from app.errors import Invalid, Malformed
from app.graph.files import Upload
from app.schemas.api.graph import LARGEST_FILE
from app.schemas.json_text import parse_json
from app.services.graph_proxy import NOT_FOR_META, PARAMETERS, ProxyCall
from app.web.auth import caller
from app.web.bodies import API_LIMIT, read_raw

FORM, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"
UPLOAD_LIMIT = LARGEST_FILE + 1024 * 1024
"""The form around a file needs room, too."""


def query(*, with_body: bool = False) -> ProxyCall:
    """The request without what only the caller and we may know. Raises `Malformed`, `Invalid` and `TooLarge`."""
    params = {name: value for name, value in request.args.items() if name in PARAMETERS}
    if not with_body:
        return ProxyCall(params, None, caller().numbers)
    if request.mimetype == MULTIPART:
        body, upload = _multipart()
        return ProxyCall(params, body, caller().numbers, upload)
    return ProxyCall(params, parse_any(body_bytes()), caller().numbers)


def body_bytes() -> bytes:
    """The body's bytes, which may be asked for again. Raises `TooLarge`."""
    return read_raw(API_LIMIT)


def parse(raw: bytes, *, keeps_all: bool = False) -> dict[str, Any] | None:
    """A body as Graph takes it, JSON or a form; None for an empty one. Raises `Malformed` for what is no object.

    What only the caller and we may know is left out, unless `keeps_all`.
    """
    body = parse_any(raw, keeps_all=keeps_all)
    if isinstance(body, list):
        raise Malformed
    return body


def parse_any(raw: bytes, *, keeps_all: bool = False) -> dict[str, Any] | list[Any] | None:
    """The same, or a list, as Graph takes it in a few places."""
    if not raw:
        return None
    body = _form(raw) if request.mimetype == FORM else parse_json(raw)
    if isinstance(body, dict) and keeps_all:
        return body
    if isinstance(body, list):
        return [_for_meta(each) if isinstance(each, dict) else each for each in body]
    if not isinstance(body, dict):
        raise Malformed
    return _for_meta(body)


def _for_meta(body: dict[str, Any]) -> dict[str, Any]:
    return {name or "": value for name, value in body.items() if name not in NOT_FOR_META}


def _multipart() -> tuple[dict[str, Any] | None, Upload | None]:
    """The fields of a multipart body, and its file with the fields beside it. Values are read as those of a form."""
    request.max_content_length = UPLOAD_LIMIT
    texts = _for_meta(request.form.to_dict())
    # A part without a name has None for one.
    files = [(name or "", given) for name, given in request.files.items(multi=True) if given.filename or given.mimetype]
    if not files:
        return {name: _value(text) for name, text in texts.items()} or None, None
    if len(files) > 1:
        raise Invalid(fields={files[1][0]: ["is a second file; send one at a time"]})
    name, given = files[0]
    return None, whole_file(given, texts, name)


def whole_file(given: FileStorage, texts: Mapping[str, str], name: str = "file", mime_type: str = "") -> Upload:
    """A file of a multipart body, to be handed on with these fields. Its bytes stay in the file that they came into."""
    size = given.stream.seek(0, os.SEEK_END)
    given.stream.seek(0)
    kind = mime_type or mime_type_of(given)
    return Upload(given.stream, size, filename=given.filename or "file", mime_type=kind, fields=texts, part=name)


def mime_type_of(given: FileStorage) -> str:
    """What a file says it is, else what its name does."""
    return given.mimetype or mimetypes.guess_type(given.filename or "")[0] or "application/octet-stream"


def _form(raw: bytes) -> Any:
    """A form's fields; what begins like an object or a list is one, as at Graph."""
    try:
        pairs = parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=1000)
    except ValueError:
        raise Malformed("The body is not a form.") from None
    return parse_json(json.dumps({name: _value(text) for name, text in pairs}).encode())


def _value(text: str) -> Any:
    if text[:1] not in ("{", "["):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
