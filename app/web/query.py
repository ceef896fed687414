"""Query strings, checked before a view runs, each against what `OPERATIONS` says that its route takes."""

from __future__ import annotations

from typing import Any

from flask import Flask, g, request
from marshmallow import ValidationError

from app.errors import Invalid
from app.schemas.api.query import Query
from app.web.auth import ACCESS
from app.web.openapi.operations import OPERATIONS

_TAKES_NONE = Query()
_BY_ENDPOINT = {
    endpoint: operation.query()
    for endpoint, operation in OPERATIONS.items()
    if operation.query is not None and issubclass(operation.query, Query)
}


def init_app(app: Flask) -> None:
    """Have every blueprint check its queries that asks for a key, after the key."""
    for name, scope in app.extensions[ACCESS].items():
        if scope is not None:
            app.before_request_funcs.setdefault(name, []).append(check)


def check() -> None:
    """Read the query of this request. Raises `Invalid`. The simulator's pages, which are in no description, read theirs
    themselves."""
    if request.endpoint not in OPERATIONS:
        return
    schema = _BY_ENDPOINT.get(request.endpoint, _TAKES_NONE)
    try:
        g.query = schema.read(request.args.lists())
    except ValidationError as error:
        assert isinstance(error.messages, dict)
        raise Invalid(fields=error.messages) from None


def query() -> dict[str, Any]:
    """The parameters of this request, as the route's schema loads them."""
    found: dict[str, Any] = g.query
    return found
