"""The API's description, for programs and for people."""

from __future__ import annotations

import json
from typing import Any

from flask import Blueprint, Response, current_app, render_template, request
from flask.typing import ResponseReturnValue

from app.web.auth import open_to_all
from app.web.openapi.document import build, event_schema

DOCUMENT, EVENTS = "gateway.openapi", "gateway.events_schema"
MOST_PLACES = 4
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

bp = open_to_all(Blueprint("openapi", __name__))


@bp.get("/openapi.json")
def document() -> ResponseReturnValue:
    """This document: every route of this version, as OpenAPI 3.1."""
    # Where the service is mounted is known by request alone.
    where = request.script_root or "/"
    made: dict[str, bytes] = current_app.extensions.setdefault(DOCUMENT, {})
    if where not in made:
        if len(made) >= MOST_PLACES:  # whoever may say where we are could say many things
            made.clear()
        made[where] = _bytes(build(current_app) | {"servers": [{"url": where}]})
    return Response(made[where], mimetype="application/json")


@bp.get("/events.schema.json")
def events() -> ResponseReturnValue:
    """One JSON Schema that every event fulfils, whether it was read at `/api/events` or posted to you."""
    made: bytes | None = current_app.extensions.get(EVENTS)
    if made is None:
        made = current_app.extensions[EVENTS] = _bytes(event_schema())
    return Response(made, mimetype="application/json")


def _bytes(described: dict[str, Any]) -> bytes:
    return json.dumps(described, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


@bp.get("/docs")
def page() -> ResponseReturnValue:
    """The same document as a page to read."""
    headers = {"Content-Security-Policy": CONTENT_POLICY, "X-Content-Type-Options": "nosniff"}
    return render_template("docs.html"), headers
