"""Turn exceptions into HTTP responses. Every error of the API has the shape that is built here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Flask, Response, current_app, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from app.errors import GatewayError, Unavailable
from app.logs import get_logger, request_id_var
from app.vault import is_full

STATUS = {
    "malformed": 400,
    "unauthenticated": 401,
    "forbidden": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "too_slow": 408,
    "idempotency_conflict": 409,
    "wrong_state": 409,
    "already_exists": 409,
    "answered_meanwhile": 409,
    "cursor_gone": 410,
    "gone": 410,
    "length_required": 411,
    "too_large": 413,
    "uri_too_long": 414,
    "unsupported_media_type": 415,
    "invalid_request": 422,
    "idempotency_mismatch": 422,
    "window_closed": 422,
    "opted_out": 422,
    "template_invalid": 422,
    "refused": 422,
    "throttled": 429,
    "internal": 500,
    "meta_unauthorised": 502,
    "unavailable": 503,
}
RETRY_AFTER_SECONDS = 5

Shape = Callable[[HTTPException], ResponseReturnValue]

logger = get_logger(__name__)
_SHAPES = "errors.shapes"


def use_shape(bp: Blueprint, shape: Shape) -> None:
    """Use a blueprint's own error shape for requests below its prefix that match no route.

    Flask finds a blueprint's handlers by the matched route, so it has none for such a request.
    """
    below = (bp.url_prefix or "").partition("<")[0]
    bp.record_once(lambda state: state.app.extensions.setdefault(_SHAPES, {}).update({below: shape}))


def init_app(app: Flask) -> None:
    """Register the error handlers."""
    app.register_error_handler(GatewayError, answer_ours)
    app.register_error_handler(HTTPException, _answer_http)
    app.register_error_handler(Exception, _answer_unexpected)


def answer_ours(error: GatewayError) -> Response:
    """Answer an error of ours in the API's shape."""
    status = STATUS.get(error.code, 500)
    details: dict[str, Any] = {"code": error.code, "message": error.message, "retryable": error.retryable}
    if error.fields:
        details["fields"] = error.fields
    meta = error.shown_meta()
    if meta:
        details["meta"] = meta
    body: dict[str, Any] = {"success": False, "error": details}
    if error.message_id:
        body["id"] = error.message_id
    response = jsonify(body | {"request_id": request_id_var.get()})
    response.status_code = status
    if status in (429, 503):
        response.headers["Retry-After"] = str(error.retry_after or RETRY_AFTER_SECONDS)
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _answer_http(error: HTTPException) -> ResponseReturnValue:
    if request.url_rule is None:
        shapes: dict[str, Shape] = current_app.extensions.get(_SHAPES, {})
        for below, shape in shapes.items():
            if request.path.startswith(below):
                return shape(error)
    return answer_http(error)


def answer_http(error: HTTPException) -> Response:
    """Answer an error of Flask's in the API's shape."""
    status = error.code or 500
    code = next((code for code, value in STATUS.items() if value == status), f"http_{status}")
    # Some of Werkzeug's descriptions quote the request, so its constant names are used instead.
    message = {404: "Nothing here by that name.", 405: "This route does not take that method."}.get(
        status, error.name
    )
    body = {"success": False, "error": {"code": code, "message": message, "retryable": False}}
    response = jsonify(body | {"request_id": request_id_var.get()})
    response.status_code = status
    for name, value in error.get_headers(request.environ):
        if name in ("Allow", "Location"):
            response.headers[name] = value
    return response


def _answer_unexpected(error: Exception) -> ResponseReturnValue:
    return answer_ours(known(error))


def known(error: Exception) -> GatewayError:
    """Log an error that nothing else has caught, and return the one of ours to answer with.

    A full disk is none of ours: forms with files are spooled among the temporary files of the machine.
    """
    if is_full(error):
        logger.error("the disk for temporary files is full", extra={"error": type(error).__name__})
        return Unavailable("There is no room on the disk for temporary files. Free some, and try again.")
    logger.exception("unexpected error", extra={"error": type(error).__name__})
    return GatewayError()
