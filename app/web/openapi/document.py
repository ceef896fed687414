"""Builds the OpenAPI document from the application's routes and our schemas."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from typing import Any

from apispec import APISpec
from flask import Flask
from marshmallow import Schema
from werkzeug.routing import Rule

from app import __version__
from app.schemas.api.errors import ErrorAnswer
from app.schemas.api.event_types import EVENT_SCHEMAS
from app.web.auth import ACCESS
from app.web.idempotency import SAFE, takes_key
from app.web.openapi.operations import KEY, OPERATIONS, Answer, Operation
from app.web.openapi.shapes import ShapesPlugin, first_sentence

ABOUT = (
    "A gateway between Meta's WhatsApp Cloud API and your own software. "
    "Send `Authorization: Bearer <key>`; every error has the one shape `ErrorAnswer`, under `/graph/` Meta's own."
)
REASONS = {
    400: "The body is not what the route reads.",
    401: "No key, or none that is known; for a webhook, no signature of ours.",
    403: "The key lacks the scope.",
    404: "Nothing by that id, or nothing this key may see.",
    410: "The cursor's event is not in this database; `error.meta.start` is where to go on.",
    409: "Not in this state; or the first request with this `Idempotency-Key` is still running.",
    413: "The body is too large.",
    415: "The body does not say that it is JSON.",
    422: "Something asked for cannot be; `error.fields` says what, `error.meta` what Meta said.",
    429: "Not so fast. `Retry-After` says when.",
    502: "Meta does not accept the number's access token.",
    503: "Not possible at the moment. `Retry-After` says when.",
}
_ARGUMENT = re.compile(r"<(?:[^:<>]+:)?([^<>]+)>")


def build(app: Flask) -> dict[str, Any]:
    """The whole document, without `servers`: every route that `OPERATIONS` has."""
    spec = APISpec("whatsapp-service", __version__, "3.1.0", plugins=[ShapesPlugin()], info={"description": ABOUT})
    spec.components.security_scheme("key", {"type": "http", "scheme": "bearer"})
    for status, reason in REASONS.items():
        spec.components.response(_reason_name(status), {"description": reason, "content": _json(ErrorAnswer)})
    for event in EVENT_SCHEMAS:
        spec.components.schema(event.__name__, schema=event)
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        operation = OPERATIONS.get(rule.endpoint)
        if operation is None:  # files, and the simulator's own pages
            continue
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            described = _describe(app, rule, operation, method)
            spec.path(_ARGUMENT.sub(r"{\1}", rule.rule), operations={method.lower(): described})
    document: dict[str, Any] = spec.to_dict()
    return document


def event_schema() -> dict[str, Any]:
    """One JSON Schema of every event, that stands alone: what it refers to is in its `$defs`."""
    spec = APISpec("events", __version__, "3.1.0", plugins=[ShapesPlugin()])
    for event in EVENT_SCHEMAS:
        spec.components.schema(event.__name__, schema=event)
    shapes = json.dumps(spec.to_dict()["components"]["schemas"]).replace("#/components/schemas/", "#/$defs/")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "An event of the gateway",
        "oneOf": [{"$ref": f"#/$defs/{event.__name__}"} for event in EVENT_SCHEMAS],
        "$defs": json.loads(shapes),
    }


def _describe(app: Flask, rule: Rule, operation: Operation, method: str) -> dict[str, Any]:
    blueprint = rule.endpoint.partition(".")[0]
    scope = operation.scope or app.extensions[ACCESS][blueprint]
    summary, _, description = (inspect.getdoc(app.view_functions[rule.endpoint]) or "").partition("\n\n")
    is_keyed = method not in SAFE and takes_key(app.view_functions[rule.endpoint])
    described: dict[str, Any] = {
        "operationId": rule.endpoint.replace(".", "_"),
        "tags": [blueprint],
        "summary": " ".join(summary.split()),
        "description": " ".join(description.split()),
        "parameters": [*_parameters(rule, operation), *([KEY] if is_keyed else [])],
        "responses": _responses(rule, operation, scope, {409, 422} if is_keyed else set()),
        "security": [{"key": [scope]}] if scope else [],
    }
    if operation.body is not None:
        content = {operation.body_type: {"schema": operation.body}}
        described["requestBody"] = {"required": True, "content": content}
    return {name: value for name, value in described.items() if value or name == "security"}


def _parameters(rule: Rule, operation: Operation) -> Iterator[dict[str, Any]]:
    for name in sorted(rule.arguments):
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
    if operation.query is not None:
        yield {"in": "query", "schema": operation.query}
    yield from operation.parameters


def _responses(rule: Rule, operation: Operation, scope: str | None, more: set[int]) -> dict[str, Any]:
    errors = set(operation.errors) | (more if operation.errors else set())
    errors |= {401, 403} if scope else set()
    errors |= {404} if rule.arguments else set()
    errors |= {422} if scope and not operation.is_graphs else set()
    errors |= {400, 413, 415, 422} if isinstance(operation.body, type) else set()
    answers = {str(status): _answer(answer) for status, answer in operation.answers.items()}
    return answers | {str(status): _reason_name(status) for status in sorted(errors - operation.answers.keys())}


def _answer(answer: Answer) -> dict[str, Any]:
    if isinstance(answer, str):
        kind = "object" if answer == "application/json" else "string"
        return {"description": "As it is.", "content": {answer: {"schema": {"type": kind}}}}
    return {"description": first_sentence(answer), "content": _json(answer)}


def _json(schema: type[Schema] | dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _reason_name(status: int) -> str:
    return f"Error{status}"
