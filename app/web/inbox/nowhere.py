"""Requests below `/inbox` that match no page."""

from __future__ import annotations

from contextlib import suppress

from flask import Blueprint, current_app
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from app.errors import GatewayError
from app.web.errors import use_shape
from app.web.inbox import errors
from app.web.inbox.access import pages, somebody
from app.web.inbox.headers import protect

bp = pages("anyone", Blueprint("inbox_nowhere", __name__, url_prefix="/inbox"))


def _answer(error: HTTPException) -> ResponseReturnValue:
    """Answer as pages do: Flask finds no handler of theirs where no page was matched."""
    with suppress(GatewayError):
        somebody()  # whose navigation the page shows
    return protect(current_app.make_response(errors.answer_http(error)))


use_shape(bp, _answer)
