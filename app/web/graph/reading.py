"""Requests as SDKs write them to Graph, and what of them goes on to Meta."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

from flask import request

from app.errors import Malformed
from app.schemas.json_text import parse_json
from app.services.graph_edges import NOT_FOR_META, PARAMETERS
from app.services.graph_face import Query
from app.web.auth import caller
from app.web.bodies import API_LIMIT, read_raw

FORM = "application/x-www-form-urlencoded"


def query(*, with_body: bool = False) -> Query:
    """The request without what only the caller and we may know. Raises `Malformed` and `TooLarge`."""
    params = {name: value for name, value in request.args.items() if name in PARAMETERS}
    body = parse(read_raw(API_LIMIT)) if with_body else None
    return Query(params, body, caller().numbers)


def parse(raw: bytes) -> dict[str, Any] | None:
    """A body as Graph takes it, JSON or a form; None for an empty one. Raises `Malformed`."""
    if not raw:
        return None
    body = _form(raw) if request.mimetype == FORM else parse_json(raw)
    if not isinstance(body, dict):
        raise Malformed
    return {name: value for name, value in body.items() if name not in NOT_FOR_META}


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
