"""Builds the OpenAPI documents from the application's routes and our schemas."""

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
from app.schemas.api.event_types import EVENT_SCHEMAS
from app.schemas.unions import Union
from app.web.auth import ACCESS
from app.web.idempotency import SAFE, takes_key
from app.web.openapi import answers, webhooks
from app.web.openapi.examples import EXAMPLES
from app.web.openapi.operations import Operation, operations
from app.web.openapi.parameters import PATHS, key_of
from app.web.openapi.shapes import ShapesPlugin, reference
from app.web.openapi.tags import API, GRAPH, SERVICE, TAGS, WEBHOOKS

ABOUT = {
    API: "A gateway between Meta's WhatsApp Cloud API and your own software. Send `Authorization: Bearer <key>`; every"
    " error has the one shape `ErrorAnswer`. Answers may have new keys any day, and words new values: read what you"
    " know, and let the rest pass. An `X-Request-ID` that you send is answered, and stands in the logs.",
    GRAPH: "What Cloud API SDKs expect of Graph, with the gateway's keys in place of Meta's tokens. Errors have Graph's"
    " shape. Fields that only Meta knows are passed on.",
    WEBHOOKS: "What the gateway posts to your endpoints: one of these, by the settings of each. Check the signature"
    " over the bytes as they came; whatever is not answered with 2xx within 15 seconds is posted again.",
    SERVICE: "What Meta calls, and what the service says of itself.",
}
_ARGUMENT = re.compile(r"<(?:[^:<>]+:)?([^<>]+)>")


def build(app: Flask, file: str) -> dict[str, Any]:
    """One whole document, without `servers`: every route whose tag is in the file."""
    spec = APISpec(
        "whatsapp-service",
        __version__,
        "3.1.0",
        plugins=[ShapesPlugin()],
        info={
            "description": ABOUT[file],
            "contact": {"name": "Whoever runs this gateway"},
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        tags=[{"name": name, "description": tag.description} for name, tag in TAGS.items() if tag.file == file],
    )
    if file != WEBHOOKS:
        scopes = "A key of the gateway; its scopes are `send`, `read` and `admin`."
        spec.components.security_scheme("key", {"type": "http", "scheme": "bearer", "description": scopes})
    known = {name: each for name, each in operations(app).items() if TAGS[each.tag].file == file and not each.hidden}
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        operation = known.get(rule.endpoint)
        if operation is None:
            continue
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            path = _ARGUMENT.sub(r"{\1}", rule.rule)
            spec.path(path, operations={method.lower(): _describe(app, spec, rule, operation, method)})
    posted = webhooks.describe(spec) if file == WEBHOOKS else {}
    answers.add_components(spec, is_graphs=file == GRAPH)
    document: dict[str, Any] = spec.to_dict()
    return pruned(document | posted)


def event_schema() -> dict[str, Any]:
    """One JSON Schema of every event, that stands alone: what it refers to is in its `$defs`."""
    spec = APISpec("events", __version__, "3.1.0", plugins=[ShapesPlugin(with_contents=True)])
    for event in EVENT_SCHEMAS:
        spec.components.schema(event.__name__, schema=event)
    shapes = json.dumps(spec.to_dict()["components"]["schemas"]).replace("#/components/schemas/", "#/$defs/")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "An event of the gateway",
        "oneOf": [{"$ref": f"#/$defs/{event.__name__}"} for event in EVENT_SCHEMAS],
        "$defs": json.loads(shapes),
    }


def schema_of(schema: type[Schema]) -> dict[str, Any]:
    """A schema, and those inside it, as components by name."""
    spec = APISpec("part", __version__, "3.1.0", plugins=[ShapesPlugin()])
    spec.components.schema(schema.__name__, schema=schema)
    found: dict[str, Any] = spec.to_dict()["components"]["schemas"]
    return found


def pruned(document: dict[str, Any]) -> dict[str, Any]:
    """The document with those components alone that something in it refers to."""
    components = document["components"]
    found: set[tuple[str, str]] = set()
    ahead: list[Any] = [{name: part for name, part in document.items() if name != "components"}]
    while ahead:
        for kind, name in set(re.findall(r"#/components/(\w+)/([\w.-]+)", json.dumps(ahead.pop()))) - found:
            found.add((kind, name))
            ahead.append(components[kind][name])
    kept = {
        kind: {name: part for name, part in parts.items() if (kind, name) in found or kind == "securitySchemes"}
        for kind, parts in components.items()
    }
    return document | {"components": {kind: parts for kind, parts in kept.items() if parts}}


def _describe(app: Flask, spec: APISpec, rule: Rule, operation: Operation, method: str) -> dict[str, Any]:
    view = app.view_functions[rule.endpoint]
    scope = operation.scope or app.extensions[ACCESS][rule.endpoint.partition(".")[0]]
    is_keyed = method not in SAFE and takes_key(view)
    described: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [operation.tag],
        **_said(view),
        "parameters": [*_parameters(rule, operation), *([key_of(operation.name)] if is_keyed else [])],
        "responses": answers.describe(spec, rule, operation, scope, is_keyed),
        "security": [{"key": [scope]}] if scope else [],
    }
    if operation.body is not None:
        described["requestBody"] = _body(spec, operation)
    return {name: value for name, value in described.items() if value or name == "security"}


def _said(view: Any) -> dict[str, str]:
    """A view's docstring: its first sentence as the summary, all of it as the description."""
    paragraphs = [" ".join(each.split()) for each in (inspect.getdoc(view) or "").split("\n\n")]
    summary = re.split(r"(?<=\.)\s|(?<=[a-z])[:;]\s", paragraphs[0], maxsplit=1)[0].rstrip(".:;")
    return {"summary": summary, "description": "\n\n".join(paragraphs)}


def _body(spec: APISpec, operation: Operation) -> dict[str, Any]:
    body = operation.body
    shape: Any = reference(_converter(spec), body) if isinstance(body, Union) else body
    content: dict[str, Any] = {"schema": shape}
    examples = EXAMPLES["bodies"].get(operation.name)
    if examples:
        content["examples"] = {name: {"value": value} for name, value in examples.items()}
    return {"required": operation.needs_body, "content": {operation.body_type: content}}


def _parameters(rule: Rule, operation: Operation) -> Iterator[dict[str, Any]]:
    for name in sorted(rule.arguments):
        yield {"name": name, "in": "path", "required": True, **PATHS[name]}
    if operation.query is not None:
        yield {"in": "query", "schema": operation.query}
    yield from operation.parameters


def _converter(spec: APISpec) -> Any:
    (plugin,) = spec.plugins
    assert isinstance(plugin, ShapesPlugin)
    return plugin.converter
