"""What a route takes and answers, said beside its view. What it is for, the view's docstring says; who may call it, its
blueprint."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from flask import Flask
from marshmallow import Schema

from app.schemas.api.graph import GraphError
from app.schemas.unions import Union

View = TypeVar("View", bound=Callable[..., Any])
_MARK = "operation"


@dataclass(frozen=True, slots=True)
class Bytes:
    """Bytes of one of several media types, or, where the caller asks for it, `json`."""

    media_types: tuple[str, ...]
    json: type[Schema] | None = None


Answer = type[Schema] | Union | Bytes | str
"""A schema for JSON, bytes, or a media type of text."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one route, under the name that clients give it, in the section `tag` (see `tags`).

    `answers` are those that are no error, by status; `errors` are statuses beside those that follow from the rest: 401
    and 403 with a key, 404 with an id in the path, 422 with a key too, since whatever the query holds and `query` does
    not name is refused (see `web.query`), 400, 413 and 415 with a body. `scope` is for a route that asks for a key
    although its blueprint is open. A body is JSON unless `body_type` says otherwise. What is `hidden` is served, and
    stands in no description.
    """

    name: str
    tag: str
    answers: Mapping[int, Answer]
    query: type[Schema] | None = None
    body: type[Schema] | Union | dict[str, Any] | None = None
    body_type: str = "application/json"
    needs_body: bool = True
    errors: tuple[int, ...] = (503,)
    scope: str | None = None
    parameters: tuple[dict[str, Any], ...] = ()
    examples: Mapping[str, str] = field(default_factory=dict)
    hidden: bool = False

    @property
    def is_graphs(self) -> bool:
        """Whether the route is of the Graph-compatible face, whose queries and errors are Graph's."""
        return GraphError in self.answers.values()


def describe(name: str, tag: str, answers: Mapping[int, Answer], **more: Any) -> Callable[[View], View]:
    """Say beside a view what it takes and answers: the arguments of `Operation`."""
    operation = Operation(name, tag, answers, **more)

    def say(view: View) -> View:
        setattr(view, _MARK, operation)
        return view

    return say


def operations(app: Flask) -> dict[str, Operation]:
    """Every operation by its endpoint. Files, and the simulator's own pages, are none."""
    found = {name: getattr(view, _MARK, None) for name, view in app.view_functions.items()}
    return {name: operation for name, operation in found.items() if operation is not None}


def given(name: str, place: str, description: str, *, required: bool = True, **schema: Any) -> dict[str, Any]:
    """A parameter in the query or a header: any text, unless `schema` says more."""
    shape = {"type": "string", **schema}
    return {"name": name, "in": place, "description": description, "required": required, "schema": shape}


ANY_OBJECT = {"type": "object", "description": "As Meta documents it.", "additionalProperties": True}
