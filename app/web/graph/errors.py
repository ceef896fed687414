"""Our errors as Graph words them. Source of shapes and codes: Meta, support/error-codes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import HTTPException
from werkzeug.exceptions import NotFound as RoutedNowhere

from app.errors import GatewayError, NotFound
from app.graph.codes import meaning
from app.logs import get_logger, request_id_var
from app.web.errors import RETRY_AFTER_SECONDS, use_shape

_ANSWERS: Mapping[str, tuple[int, int]] = {
    "malformed": (400, 100),
    "unauthenticated": (401, 190),
    "forbidden": (403, 10),
    "not_found": (400, 100),
    "idempotency_conflict": (409, 2),
    "idempotency_mismatch": (400, 100),
    "wrong_state": (400, 100),
    "too_large": (413, 100),
    "unsupported_media_type": (415, 100),
    "invalid_request": (400, 100),
    "window_closed": (400, 131047),
    "opted_out": (400, 131050),
    "template_invalid": (400, 132012),
    "refused": (400, 100),
    "throttled": (429, 130429),
    "meta_unauthorised": (401, 190),
    "unavailable": (503, 2),
    "unknown": (500, 131000),
    "internal": (500, 131000),
}
"""HTTP status and code of each of our errors; what Graph itself said keeps Graph's."""

_TITLES = {
    100: "Invalid parameter",
    190: "Invalid OAuth access token",
    131047: "Re-engagement message",
    130429: "Rate limit hit",
}
_UNKNOWN_OBJECT = (
    "Unsupported request. Object with this ID does not exist, cannot be loaded due to missing permissions, or does not"
    " support this operation"
)

logger = get_logger(__name__)


def register(bp: Blueprint) -> None:
    """Let a blueprint's errors have Graph's shape."""
    bp.register_error_handler(GatewayError, _answer_ours)
    bp.register_error_handler(HTTPException, _answer_http)
    bp.register_error_handler(Exception, _answer_unexpected)
    use_shape(bp, _answer_http)


def _answer_ours(error: GatewayError) -> Response:
    status, code = _status_and_code(error)
    body: dict[str, Any] = {"message": f"(#{code}) {_title(error, code)}", "type": "OAuthException", "code": code}
    if error.code == "not_found":
        body |= {"message": _UNKNOWN_OBJECT, "type": "GraphMethodException", "error_subcode": 33}
    else:
        body["error_data"] = {"messaging_product": "whatsapp", "details": _details(error)}
    if error.retryable:
        body["is_transient"] = True
    body["fbtrace_id"] = (error.meta or {}).get("fbtrace_id") or request_id_var.get()
    response = jsonify({"error": body})
    response.status_code = status
    if status in (429, 503):
        response.headers["Retry-After"] = str(error.retry_after or RETRY_AFTER_SECONDS)
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _status_and_code(error: GatewayError) -> tuple[int, int]:
    status, code = _ANSWERS.get(error.code, (500, 131000))
    meta = error.meta or {}
    if error.code == "throttled":  # one code for whatever kind of limit it was; the details say which
        return status, code
    theirs, told = meta.get("code"), meta.get("http_status")
    if error.code in ("refused", "meta_unauthorised") and isinstance(told, int) and 400 <= told < 500:
        status = told
    return status, theirs if isinstance(theirs, int) else code


def _title(error: GatewayError, code: int) -> str:
    known = meaning(code)
    return _TITLES.get(code) or (known.explanation if known else error.message)


def _details(error: GatewayError) -> str:
    """Everything there is to say, in one text, since Graph's shape has no place for more."""
    problems = [f"{name}: {text}" for name, texts in (error.fields or {}).items() for text in texts]
    said = (error.meta or {}).get("details")
    return " ".join(filter(None, [error.message, said if isinstance(said, str) else None, "; ".join(problems)]))


def _answer_http(error: HTTPException) -> Response:
    if isinstance(error, RoutedNowhere):
        return _answer_ours(NotFound())
    status = error.code or 500
    code = 100 if status < 500 else 131000
    body = {"message": f"(#{code}) {error.name}", "type": "OAuthException", "code": code}
    response = jsonify({"error": body | {"fbtrace_id": request_id_var.get()}})
    response.status_code = status
    for name, value in error.get_headers(request.environ):
        if name == "Allow":
            response.headers[name] = value
    return response


def _answer_unexpected(error: Exception) -> Response:
    logger.exception("unexpected error", extra={"error": type(error).__name__})
    return _answer_ours(GatewayError())
