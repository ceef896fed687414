"""Our errors as Graph words them. Source of shapes and codes: Meta, support/error-codes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import HTTPException
from werkzeug.exceptions import NotFound as RoutedNowhere

from app.errors import GatewayError, GraphError, NotFound
from app.graph.codes import meaning
from app.logs import request_id_var
from app.schemas.error_texts import REQUIRED
from app.web.errors import RETRY_AFTER_SECONDS, known, use_shape

_ANSWERS: Mapping[str, tuple[int, int]] = {
    "malformed": (400, 100),
    "unauthenticated": (401, 190),
    "forbidden": (403, 10),
    "not_found": (400, 100),
    "idempotency_conflict": (409, 2),
    "idempotency_mismatch": (400, 100),
    "wrong_state": (400, 100),
    "already_exists": (400, 100),
    "too_large": (413, 100),
    "unsupported_media_type": (415, 100),
    "invalid_request": (400, 100),
    "window_closed": (400, 131047),
    "opted_out": (400, 131050),
    "template_invalid": (400, 132012),
    "refused": (400, 100),
    "throttled": (429, 130429),
    "meta_unauthorised": (502, 190),
    "unavailable": (503, 2),
    "unknown": (500, 131000),
    "internal": (500, 131000),
}
"""HTTP status and code of each of our errors; what Graph itself said keeps Graph's."""

_MISSING, _NOT_VALID = 131008, 131009

_TITLES = {
    100: "Invalid parameter",
    190: "Invalid OAuth access token",
    131008: "Required parameter is missing",
    131009: "Parameter value is not valid",
    131047: "Re-engagement message",
    130429: "Rate limit hit",
}
_UNKNOWN_OBJECT = (
    "Unsupported request. Object with this ID does not exist, cannot be loaded due to missing permissions, or does not"
    " support this operation"
)


def register(bp: Blueprint) -> None:
    """Let a blueprint's errors have Graph's shape."""
    bp.register_error_handler(GatewayError, _answer_ours)
    bp.register_error_handler(HTTPException, _answer_http)
    bp.register_error_handler(Exception, _answer_unexpected)
    use_shape(bp, _answer_http)


def _answer_ours(error: GatewayError) -> Response:
    said = error.said if isinstance(error, GraphError) else None
    status, code = _status_and_code(error)
    body = _as_meta_said(said, code) if said else _as_meta_would_say(error, code)
    body["fbtrace_id"] = body.get("fbtrace_id") or (error.meta or {}).get("fbtrace_id") or request_id_var.get()
    response = jsonify({"error": {**body, "gateway": _ours(error)}})
    response.status_code = status
    if status in (429, 503):
        response.headers["Retry-After"] = str(error.retry_after or RETRY_AFTER_SECONDS)
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _as_meta_said(said: Mapping[str, Any], code: int) -> dict[str, Any]:
    """Meta's error object as it came, and whatever of it every error has."""
    return {"message": f"(#{code})", "type": "OAuthException", "code": code, **said}


def _as_meta_would_say(error: GatewayError, code: int) -> dict[str, Any]:
    if error.code == "not_found":
        known = {"message": _UNKNOWN_OBJECT, "type": "GraphMethodException", "code": code, "error_subcode": 33}
        return known if error.message == NotFound.default else known | {"message": error.message}
    body: dict[str, Any] = {"message": f"(#{code}) {_title(error, code)}", "type": "OAuthException", "code": code}
    body["error_data"] = {"messaging_product": "whatsapp", "details": _details(error)}
    return body | ({"is_transient": True} if error.retryable else {})


def _ours(error: GatewayError) -> dict[str, Any]:
    """What this gateway says of it, beside Meta's own words."""
    body: dict[str, Any] = {"code": error.code, "message": error.message, "retryable": error.retryable}
    if error.message_id:
        body["id"] = error.message_id
    return body | ({"fields": error.fields} if error.fields else {})


def _status_and_code(error: GatewayError) -> tuple[int, int]:
    status, code = _ANSWERS.get(error.code, (500, 131000))
    meta = error.meta or {}
    theirs, told = meta.get("code"), meta.get("http_status")
    if error.code == "throttled":  # whatever Meta's status is: SDKs wait for this one
        return status, code
    if error.code == "meta_unauthorised":  # Meta's 401 or 403 is for our token, and the caller's key is good
        return status, theirs if isinstance(theirs, int) else code
    if error.code == "invalid_request" and request.endpoint == "graph.send":
        return status, _code_of(error.fields or {})
    if isinstance(error, GraphError) and isinstance(told, int) and 400 <= told < (600 if error.said else 500):
        status = told
    return status, theirs if isinstance(theirs, int) else code


def _code_of(fields: Mapping[str, Iterable[str]]) -> int:
    """The code that Meta has for a message with such fields."""
    texts = [text for several in fields.values() for text in several]
    return _MISSING if any(text.startswith(REQUIRED) for text in texts) else _NOT_VALID


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
    return _answer_ours(known(error))
