"""The API's description, for programs and for people."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, current_app, render_template, request
from flask.typing import ResponseReturnValue

from app.web.auth import open_to_all
from app.web.openapi.document import build, event_schema

DOCUMENT = "gateway.openapi"
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

bp = open_to_all(Blueprint("openapi", __name__))


@bp.get("/openapi.json")
def document() -> ResponseReturnValue:
    """This document: every route of this version, as OpenAPI 3.1."""
    described: dict[str, Any] | None = current_app.extensions.get(DOCUMENT)
    if described is None:
        described = current_app.extensions[DOCUMENT] = build(current_app)
    # Where the service is mounted is known by request alone.
    return described | {"servers": [{"url": request.script_root or "/"}]}


@bp.get("/events.schema.json")
def events() -> ResponseReturnValue:
    """One JSON Schema that every event fulfils, whether it was read at `/api/events` or posted to you."""
    return event_schema()


@bp.get("/docs")
def page() -> ResponseReturnValue:
    """The same document as a page to read."""
    headers = {"Content-Security-Policy": CONTENT_POLICY, "X-Content-Type-Options": "nosniff"}
    return render_template("docs.html"), headers
