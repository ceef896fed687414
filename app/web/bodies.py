"""Read request bodies within bounds of size, time and number."""

from __future__ import annotations

from typing import Any

from flask import request
from marshmallow import Schema
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge
from werkzeug.wsgi import get_content_length, get_input_stream

from app.errors import LengthRequired, Malformed, TooLarge, TooSlow, Unavailable, UnsupportedMediaType
from app.schemas.json_text import parse_json
from app.schemas.loading import load
from app.web.body_limits import Body, Full, UnfinishedBodies
from app.web.unread_bodies import RAW

API_LIMIT = 1024 * 1024
PART = 64 * 1024

unfinished_bodies = UnfinishedBodies()
"""The bodies that this process is reading."""


def read_raw(limit: int) -> bytes:
    """Return the body's bytes as received. A second call for the same request returns the same bytes.

    Raises `TooLarge` above `limit` bytes, for chunked bodies too, and before reading if the length is known; `TooSlow`
    for a body that does not arrive in time; `Unavailable` if too many are being received; and `LengthRequired` or
    `Malformed` for one that cannot be read.
    """
    return read_raw_of(request.environ, limit)


def read_raw_of(environ: dict[str, Any], limit: int) -> bytes:
    """As `read_raw`, for a request that Flask has not seen."""
    known: bytes | None = environ.get(RAW)
    if known is not None:
        return known
    if "HTTP_TRANSFER_ENCODING" in environ:
        _need_an_end(environ)
    length = get_content_length(environ)
    if length is not None and length > limit:
        raise _too_large(limit)
    try:
        with unfinished_bodies.track(environ.get("gunicorn.socket")) as body:
            raw = _read(body, environ, length, limit)
    except Full:
        raise Unavailable("Too many requests are on their way in at the moment. Try again.") from None
    if body.is_cut:
        raise TooSlow
    if length is not None and len(raw) < length:
        raise Malformed("The body ended before its Content-Length.")
    environ[RAW] = raw
    return raw


def read_json_bytes(limit: int = API_LIMIT) -> bytes:
    """Return the bytes of a body declared as JSON. Raises `UnsupportedMediaType` and the errors of `read_raw`."""
    if not request.is_json:
        raise UnsupportedMediaType
    return read_raw(limit)


def read_object(schema: Schema) -> dict[str, Any]:
    """Return the body's JSON object as the schema loads it. Raises `Malformed`, `Invalid` and those of `read_raw`."""
    return load(schema, parse_json(read_json_bytes()))


def _need_an_end(environ: dict[str, Any]) -> None:
    """Raise `LengthRequired` for a chunked body whose end the server does not mark (uWSGI, mod_wsgi).

    If there is a length, a proxy has decoded the body and left the header; it is removed.
    """
    if "chunked" not in environ["HTTP_TRANSFER_ENCODING"].lower() or environ.get("wsgi.input_terminated"):
        return
    if not environ.get("CONTENT_LENGTH"):
        raise LengthRequired
    del environ["HTTP_TRANSFER_ENCODING"]


def _read(body: Body, environ: dict[str, Any], length: int | None, limit: int) -> bytes:
    try:
        if length is not None and length <= PART and "HTTP_TRANSFER_ENCODING" not in environ:
            return _read_small(body, environ["wsgi.input"], length)  # as nearly always
        # Werkzeug silently ends a chunked body at its limit, so its limit is one byte above ours.
        stream = get_input_stream(environ, max_content_length=limit + 1)
        first = stream.read(PART)
        parts, size = [first], len(first)
        while parts[-1]:
            unfinished_bodies.add_bytes(body, len(parts[-1]))
            if size > limit:
                raise _too_large(limit)
            parts.append(stream.read(PART))
            size += len(parts[-1])
    except RequestEntityTooLarge:
        raise _too_large(limit) from None
    except ClientDisconnected:
        return b""  # the body was cut off, or the client has disconnected
    except Exception as error:
        # gunicorn's errors for chunks have no base class of their own, so they are recognised by their module.
        if isinstance(error, OSError) or type(error).__module__ == "gunicorn.http.errors":
            raise Malformed("The body's chunks cannot be read.") from error
        raise
    return b"".join(parts)


def _read_small(body: Body, stream: Any, length: int) -> bytes:
    """Return the body, or less where it ended early. Never reads beyond its length, where another request may begin."""
    raw: bytes = stream.read(length)
    part = raw
    while part and len(raw) < length:
        unfinished_bodies.add_bytes(body, len(part))
        part = stream.read(length - len(raw))
        raw += part
    return raw


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"The body is larger than {limit} bytes.")
