"""Reading request bodies."""

from __future__ import annotations

from typing import Any

from flask import request
from marshmallow import Schema
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge
from werkzeug.wsgi import get_content_length, get_input_stream

from app.errors import LengthRequired, Malformed, TooLarge, TooSlow, Unavailable, UnsupportedMediaType
from app.schemas.json_text import parse_json
from app.schemas.loading import load
from app.web.body_limits import BodiesInHand, Body, Full
from app.web.unread_bodies import RAW

API_LIMIT = 1024 * 1024
PART = 64 * 1024

in_hand = BodiesInHand()
"""Of this process."""


def read_raw(limit: int) -> bytes:
    """The body's bytes as received.

    Raises `TooLarge` above `limit`, for chunked bodies too, and before reading where the length is known; `TooSlow`
    for one that does not come, `Unavailable` where too many come at once, `LengthRequired` and `Malformed` for one
    that cannot be read. May be called again, for the same bytes.
    """
    environ = request.environ
    known: bytes | None = environ.get(RAW)
    if known is not None:
        return known
    if "HTTP_TRANSFER_ENCODING" in environ:
        _need_an_end(environ)
    length = get_content_length(environ)
    if length is not None and length > limit:
        raise _too_large(limit)
    try:
        with in_hand.reading(environ.get("gunicorn.socket")) as body:
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
    """The bytes of a body that says it is JSON. Raises `UnsupportedMediaType` and what `read_raw` does."""
    if not request.is_json:
        raise UnsupportedMediaType
    return read_raw(limit)


def read_object(schema: Schema) -> dict[str, Any]:
    """The JSON object that is the body, as its schema loads it. Raises `Malformed`, `Invalid` and what bytes may."""
    return load(schema, parse_json(read_json_bytes()))


def _need_an_end(environ: dict[str, Any]) -> None:
    """Some servers (uWSGI, mod_wsgi) hand a chunked body on without saying where it ends; then nothing can be read.

    Where a proxy has decoded it there is a length, and the header is what the proxy forgot to take out.
    """
    if "chunked" not in environ["HTTP_TRANSFER_ENCODING"].lower() or environ.get("wsgi.input_terminated"):
        return
    if not environ.get("CONTENT_LENGTH"):
        raise LengthRequired
    del environ["HTTP_TRANSFER_ENCODING"]


def _read(body: Body, environ: dict[str, Any], length: int | None, limit: int) -> bytes:
    try:
        # Werkzeug ends a chunked body at its limit and says nothing, so its limit is one byte beyond ours.
        stream = get_input_stream(environ, max_content_length=limit + 1)
        # No more is asked for than there is: room for a whole part would be made, and cleared, for each small body.
        first = stream.read(PART if length is None else min(length, PART))
        if length == len(first):
            return first  # as nearly always
        parts, size = [first], len(first)
        while parts[-1]:
            in_hand.grew(body, len(parts[-1]))
            if size > limit:
                raise _too_large(limit)
            parts.append(stream.read(PART))
            size += len(parts[-1])
    except RequestEntityTooLarge:
        raise _too_large(limit) from None
    except ClientDisconnected:
        return b""  # cut, or gone
    except Exception as error:
        # Of the server itself: gunicorn has a family of errors for chunks, with no base that it shares with others.
        if isinstance(error, OSError) or type(error).__module__ == "gunicorn.http.errors":
            raise Malformed("The body's chunks cannot be read.") from error
        raise
    return b"".join(parts)


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"The body is larger than {limit} bytes.")
