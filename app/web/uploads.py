"""Files in request bodies, raw or in a form, received piece by piece: whole in a file at most, never in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from flask import request
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge
from werkzeug.wsgi import get_content_length, get_input_stream

from app.errors import GatewayError, Invalid, LengthRequired, Malformed, TooLarge, TooSlow, Unavailable
from app.web.body_limits import Body, Full, UnfinishedBodies

PIECE = 64 * 1024
FORM_ROOM = 64 * 1024
"""What a form may hold around its file."""

UPLOAD_SECONDS = 600.0
"""For 100 MB: 170 KB a second, which a telephone on the road has."""

MAX_UPLOADS = 32

unfinished_uploads = UnfinishedBodies(MAX_UPLOADS, seconds=UPLOAD_SECONDS)
"""The uploads that this process is receiving."""


@contextmanager
def receiving(limit: int) -> Iterator[None]:
    """Bound the time and the number of uploads inside the block, and translate what goes wrong in a body.

    Raises `TooLarge` (before reading, if the length is known), `TooSlow`, `Unavailable`, `LengthRequired`, `Malformed`.
    """
    _check_length(limit)
    try:
        with unfinished_uploads.track(request.environ.get("gunicorn.socket")) as body, _translated(limit, body):
            yield
            if body.is_cut:
                raise TooSlow
    except Full:
        raise Unavailable("Too many files are on their way in at the moment. Try again.") from None


def _check_length(limit: int) -> None:
    environ = request.environ
    is_chunked = "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower()
    if is_chunked and not environ.get("wsgi.input_terminated") and not environ.get("CONTENT_LENGTH"):
        raise LengthRequired
    length = get_content_length(environ)
    if length is not None and length > limit + FORM_ROOM:
        raise _too_large(limit)


@contextmanager
def _translated(limit: int, body: Body) -> Iterator[None]:
    try:
        yield
    except GatewayError:
        raise
    except RequestEntityTooLarge:
        raise _too_large(limit) from None
    except ClientDisconnected:
        raise (TooSlow() if body.is_cut else Malformed("The body ended before it was whole.")) from None
    except Exception as error:
        # gunicorn's errors for chunks have no base class of their own, so they are recognised by their module.
        if isinstance(error, OSError) or type(error).__module__ == "gunicorn.http.errors":
            raise Malformed("The body cannot be read.") from error
        raise


def raw_pieces(limit: int) -> Iterator[bytes]:
    """Yield the body in pieces; one byte more than `limit` may come, so that the receiver sees that it is too large."""
    length = get_content_length(request.environ)
    stream = get_input_stream(request.environ, max_content_length=limit + 1)
    received = 0
    while piece := stream.read(PIECE):
        received += len(piece)
        yield piece
    if length is not None and received < length:
        raise Malformed("The body ended before its Content-Length.")


def file_pieces(file: IO[bytes]) -> Iterator[bytes]:
    """Yield the content of a form's file, which werkzeug has put into a temporary file, from its beginning."""
    file.seek(0)
    while piece := file.read(PIECE):
        yield piece


def form_file(limit: int) -> IO[bytes]:
    """Return the form's part `file`. Raises `Invalid` without one, or with several files."""
    request.max_content_length = limit + FORM_ROOM
    found = list(request.files.items(multi=True))
    if len(found) != 1 or found[0][0] != "file":
        raise Invalid(fields={"file": ["is required: one file, as multipart/form-data with a part of this name"]})
    return found[0][1].stream


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"The file is larger than {limit >> 20} MB, the most that Meta takes.")
