"""Check each request's query string before its view runs, against the parameters that the route declares."""

from __future__ import annotations

from typing import Any

from flask import Flask, current_app, g, request
from marshmallow import ValidationError

from app.errors import Invalid
from app.schemas.api.query import Query
from app.web.auth import ACCESS
from app.web.openapi.operations import operations

_TAKES_NONE = Query()
_BY_ENDPOINT = "gateway.queries"


def init_app(app: Flask) -> None:
    """Register `check` on every blueprint that requires a key. It runs after the check of the key."""
    queries = {endpoint: operation.query for endpoint, operation in operations(app).items()}
    app.extensions[_BY_ENDPOINT] = {
        endpoint: query() if query is not None and issubclass(query, Query) else _TAKES_NONE
        for endpoint, query in queries.items()
    }
    for name, scope in app.extensions[ACCESS].items():
        if scope is not None:
            app.before_request_funcs.setdefault(name, []).append(check)


def check() -> None:
    """Load the query of this request. Raises `Invalid`. Does nothing on routes without description, as the simulator's:
    they read their queries themselves."""
    schema = current_app.extensions[_BY_ENDPOINT].get(request.endpoint)
    if schema is None:
        return
    try:
        g.query = schema.read(request.args.lists())
    except ValidationError as error:
        assert isinstance(error.messages, dict)
        raise Invalid(fields=error.messages) from None


def query() -> dict[str, Any]:
    """Return the query parameters of this request, as loaded by the route's schema."""
    found: dict[str, Any] = g.query
    return found
