"""The API's descriptions, for programs and for people."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, current_app, render_template, request
from flask.typing import ResponseReturnValue

from app import compact_json
from app.web.auth import open_to_all
from app.web.context import gateway
from app.web.openapi.assistant import build_for_assistants
from app.web.openapi.document import build, event_schema
from app.web.openapi.operations import describe
from app.web.openapi.tags import API, ASSISTANT, GRAPH, SERVICE, WEBHOOKS

DOCUMENTS, EVENTS = "gateway.openapi", "gateway.events_schema"
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_JSON = {200: "application/json"}

bp = open_to_all(Blueprint("openapi", __name__))


@bp.get("/openapi.json")
@describe("getOpenApi", "Descriptions", _JSON, errors=())
def document() -> ResponseReturnValue:
    """Describe the API as OpenAPI 3.1: every route of this version that your software calls."""
    return _described(API)


@bp.get("/openapi.graph.json")
@describe("getGraphOpenApi", "Descriptions", _JSON, errors=())
def graph() -> ResponseReturnValue:
    """Describe the Graph-compatible routes as OpenAPI 3.1."""
    return _described(GRAPH)


@bp.get("/openapi.service.json")
@describe("getServiceOpenApi", "Descriptions", _JSON, errors=())
def service() -> ResponseReturnValue:
    """Describe as OpenAPI 3.1 what Meta calls, and what the service says of itself."""
    return _described(SERVICE)


@bp.get("/openapi.webhooks.json")
@describe("getWebhooksOpenApi", "Descriptions", _JSON, errors=())
def webhooks() -> ResponseReturnValue:
    """Describe as OpenAPI 3.1 what is posted to your apps, so that receivers can be made of it."""
    return _described(WEBHOOKS)


@bp.get("/openapi.assistant.json")
@describe("getAssistantOpenApi", "Descriptions", _JSON, errors=())
def assistant() -> ResponseReturnValue:
    """Describe as OpenAPI 3.1 the few routes that an assistant needs, with the short form of a send."""
    return _described(ASSISTANT)


@bp.get("/events.schema.json")
@describe("getEventSchema", "Descriptions", _JSON, errors=())
def events() -> ResponseReturnValue:
    """Describe every event as one JSON Schema, whether it was read at `/api/events` or posted to you."""
    made: bytes | None = current_app.extensions.get(EVENTS)
    if made is None:
        made = current_app.extensions[EVENTS] = _bytes(event_schema()) + b"\n"
    return Response(made, mimetype="application/json")


@bp.get("/docs")
@describe("getDocs", "Descriptions", {200: "text/html"}, errors=())
def page() -> ResponseReturnValue:
    """Show the same descriptions as a page to read."""
    headers = {"Content-Security-Policy": CONTENT_POLICY, "X-Content-Type-Options": "nosniff"}
    return render_template("docs.html"), headers


def _described(file: str) -> Response:
    """A document as it was made once, at the address where the service is found: that is known by request alone."""
    made: dict[str, bytes] = current_app.extensions.setdefault(DOCUMENTS, {})
    if file not in made:
        made[file] = _bytes(build_for_assistants(current_app) if file == ASSISTANT else build(current_app, file))
    address = gateway().config.public_url or request.root_url.rstrip("/")
    servers = _bytes({"servers": [{"url": address}]})
    return Response(made[file][:-1] + b"," + servers[1:] + b"\n", mimetype="application/json")


def _bytes(described: dict[str, Any]) -> bytes:
    return compact_json.encode(described).encode()
