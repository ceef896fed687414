"""Query strings, checked before a view runs, each against what its route says that it takes."""

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
    """Have every blueprint check its queries that asks for a key, after the key."""
    queries = {endpoint: operation.query for endpoint, operation in operations(app).items()}
    app.extensions[_BY_ENDPOINT] = {
        endpoint: query() if query is not None and issubclass(query, Query) else _TAKES_NONE
        for endpoint, query in queries.items()
    }
    for name, scope in app.extensions[ACCESS].items():
        if scope is not None:
            app.before_request_funcs.setdefault(name, []).append(check)


def check() -> None:
    """Read the query of this request. Raises `Invalid`. The simulator's pages, which are in no description, read theirs
    themselves."""
    schema = current_app.extensions[_BY_ENDPOINT].get(request.endpoint)
    if schema is None:
        return
    try:
        g.query = schema.read(request.args.lists())
    except ValidationError as error:
        assert isinstance(error.messages, dict)
        raise Invalid(fields=error.messages) from None


def query() -> dict[str, Any]:
    """The parameters of this request, as the route's schema loads them."""
    found: dict[str, Any] = g.query
    return found
