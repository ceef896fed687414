"""The answers of operations: those that are no error, and every error that may come."""

from __future__ import annotations

from typing import Any

from apispec import APISpec
from marshmallow import Schema
from werkzeug.routing import Rule

from app.schemas.api.errors import ErrorAnswer
from app.schemas.api.graph import GraphError
from app.schemas.unions import Union
from app.web.openapi.examples import EXAMPLES
from app.web.openapi.operations import Answer, Bytes, Operation
from app.web.openapi.shapes import ShapesPlugin, first_sentence, reference

REASONS: dict[int | None, str] = {
    400: "The body is not what the route reads.",
    401: "No key, or none that is known; for a webhook, no signature of ours.",
    403: "The key lacks the scope.",
    404: "Nothing by that id, or nothing this key may see.",
    409: "Not in this state, or there already; or the first request with this `Idempotency-Key` is still running.",
    410: "The cursor's event is not in this database; `error.meta.start` is where to go on. Or the file is gone.",
    413: "The body is too large.",
    415: "The body does not say that it is JSON.",
    422: "Something asked for cannot be; `error.fields` says what, `error.meta` what Meta said.",
    429: "Not so fast. `Retry-After` says when.",
    500: "Something went wrong on the gateway's side.",
    502: "Meta does not accept the number's access token.",
    503: "Not possible at the moment. `Retry-After` says when.",
    None: "Any other refusal, in the shape of every error.",
}
_LATER = (429, 503)

_HEADERS: dict[str, dict[str, Any]] = {
    "RequestId": {
        "description": "The request's id: yours, if you sent one. It stands in the logs.",
        "schema": {"type": "string"},
    },
    "RetryAfter": {"description": "In how many seconds to try again.", "schema": {"type": "integer", "minimum": 1}},
    "Replayed": {
        "description": "`true` where an earlier request with this `Idempotency-Key` was answered so.",
        "schema": {"type": "string", "enum": ["true"]},
    },
}
_ID = {"X-Request-ID": {"$ref": "#/components/headers/RequestId"}}
_RETRY = {"Retry-After": {"$ref": "#/components/headers/RetryAfter"}}
_REPLAYED = {"Idempotent-Replayed": {"$ref": "#/components/headers/Replayed"}}


def add_components(spec: APISpec, *, is_graphs: bool) -> None:
    """Give a document the errors and headers that `describe` refers to; those that nothing needs may be left out."""
    schema = GraphError if is_graphs else ErrorAnswer
    for name, header in _HEADERS.items():
        spec.components.header(name, header)
    for status, reason in REASONS.items():
        headers = {**_ID, **(_RETRY if status in _LATER else {})}
        content: dict[str, Any] = {"application/json": {"schema": schema}}
        example = EXAMPLES["errors"].get(str(status)) if not is_graphs else EXAMPLES["graph_errors"].get(str(status))
        if example is not None:
            content["application/json"]["example"] = example
        spec.components.response(
            _name(status), {"description": reason, "headers": headers, "content": content}
        )


def describe(
    spec: APISpec, rule: Rule, operation: Operation, scope: str | None, is_keyed: bool
) -> dict[str, Any]:
    """What an operation answers, by status."""
    errors = set(operation.errors) | ({409, 422} if is_keyed and operation.errors else set())
    errors |= {401, 403} if scope else set()
    errors |= {404} if rule.arguments else set()
    errors |= {422} if scope and not operation.is_graphs else set()
    errors |= {400, 413, 415, 422} if isinstance(operation.body, (type, Union)) and not operation.is_graphs else set()
    ours = {str(status): _answer(spec, operation, status, answer, is_keyed)
            for status, answer in operation.answers.items() if answer is not GraphError}  # fmt: skip
    errors |= {status for status, answer in operation.answers.items() if answer is GraphError}
    refused = {str(status): _name(status) for status in sorted(errors) if str(status) not in ours}
    return {**ours, **refused, "default": _name(None)}


def json_of(schema: type[Schema] | dict[str, Any]) -> dict[str, Any]:
    """A body of JSON."""
    return {"application/json": {"schema": schema}}


def _answer(spec: APISpec, operation: Operation, status: int, answer: Answer, is_keyed: bool) -> dict[str, Any]:
    described = {"headers": {**_ID, **(_REPLAYED if is_keyed else {})}}
    if isinstance(answer, Bytes):
        return {"description": "The bytes.", **described, "content": _bytes(operation, status, answer)}
    if isinstance(answer, Union):
        body = json_of(reference(_converter(spec), answer))
        description = answer.description
    elif isinstance(answer, str):
        body = {answer: {"schema": {"type": "object" if answer == "application/json" else "string"}}}
        description = "As it is."
    else:
        body, description = json_of(answer), first_sentence(answer)
    return {"description": description, **described, "content": _with_examples(operation, status, body)}


def _bytes(operation: Operation, status: int, answer: Bytes) -> dict[str, Any]:
    binary = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in answer.media_types}
    return binary if answer.json is None else binary | _with_examples(operation, status, json_of(answer.json))


def _with_examples(operation: Operation, status: int, body: dict[str, Any]) -> dict[str, Any]:
    examples = EXAMPLES["answers"].get(operation.name, {}).get(str(status))
    if examples:
        (content_of,) = body.values()
        content_of["examples"] = {name: {"value": value} for name, value in examples.items()}
    return body


def _converter(spec: APISpec) -> Any:
    (plugin,) = spec.plugins
    assert isinstance(plugin, ShapesPlugin)
    return plugin.converter


def _name(status: int | None) -> str:
    return "Error" if status is None else f"Error{status}"
