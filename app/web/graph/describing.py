"""How a route of the Graph-compatible face is described: whatever it answers, its errors have Graph's shape."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.schemas.api.graph import GraphError
from app.web.openapi.operations import Answer, View, describe

ERRORS: dict[int, Answer] = {status: GraphError for status in (400, 401, 403, 404, 409, 413, 429, 500, 502, 503)}


def describe_graph(
    name: str, tag: str, scope: str, answer: Answer = "application/json", **more: Any
) -> Callable[[View], View]:
    """Say beside a view of Graph's what it takes and answers; `scope` is what it asks of most callers."""
    return describe(name, tag, {200: answer, **ERRORS}, errors=(), scope=scope, **more)
