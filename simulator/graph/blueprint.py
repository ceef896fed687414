"""What every Graph route shares: the version in front, answers to refusals, bodies as JSON or as a form."""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from simulator.graph.errors import GraphRefusal
from simulator.world import identifiers
from simulator.world.simulator import current


def graph_blueprint(name: str) -> Blueprint:
    """A blueprint under `/<version>` whose refusals have Graph's shape. Every version answers alike."""
    blueprint = Blueprint(name, __name__, url_prefix="/<graph_version:version>")
    blueprint.url_value_preprocessor(_forget_version)
    blueprint.register_error_handler(GraphRefusal, _refused)
    blueprint.register_error_handler(HTTPException, _not_even_read)
    return blueprint


def request_body() -> dict[str, Any]:
    """The body, which Graph takes as JSON or as a form; anything that is neither is as good as empty."""
    body = request.get_json(silent=True, force=True)
    if isinstance(body, dict):
        return body
    return {**request.args.to_dict(), **request.form.to_dict()}


def pick_fields(known: dict[str, Any], default: tuple[str, ...], kind: str) -> dict[str, Any]:
    """The fields that `?fields=` asks for, with the id. Like Graph, refuses the request for one unknown field."""
    asked = [name.partition("{")[0].strip() for name in request.args.get("fields", "").split(",") if name.strip()]
    for name in asked:
        if name not in known:
            message = f"(#100) Tried accessing nonexisting field ({name}) on node type ({kind})"
            raise GraphRefusal(100, message=message)
    picked = dict.fromkeys([*(asked or default), "id"])
    return {name: known[name] for name in picked if known[name] is not None}


def page_of(items: list[dict[str, Any]], **more: Any) -> Response:
    """A list as Graph pages it, by `limit` and `after`, and what stands beside it."""
    limit = max(1, min(request.args.get("limit", 25, int), 1000))
    start = request.args.get("after", 0, int)
    shown = items[start : start + limit]
    paging: dict[str, Any] = {"cursors": {"before": str(start), "after": str(start + len(shown))}}
    if start + limit < len(items):
        arguments = {**request.args.to_dict(), "after": str(start + limit)}
        query = "&".join(f"{key}={value}" for key, value in arguments.items() if key != "access_token")
        paging["next"] = f"{request.base_url}?{query}"
    return jsonify({"data": shown, **({"paging": paging} if shown else {}), **more})


def _forget_version(endpoint: str | None, values: dict[str, Any] | None) -> None:
    if values:
        values.pop("version", None)


def _refused(refusal: GraphRefusal) -> tuple[Response, int]:
    return jsonify(refusal.to_json(identifiers.trace_id(current().world.random))), refusal.status


def answer_unknown_path(err: HTTPException) -> tuple[Response, int] | HTTPException:
    """Graph's own refusal for whatever is asked under a version and is no route here; pages answer as pages do."""
    if not re.match(r"/v[0-9]+\.[0-9]+(/|$)", request.path):
        return err
    kind = request.method.lower()
    message = (
        f"Unsupported {kind} request. Please read the Graph API documentation at"
        " https://developers.facebook.com/docs/graph-api"
    )
    return _refused(GraphRefusal(100, message=message, status=400))


def _not_even_read(err: HTTPException) -> tuple[Response, int]:
    """A request that no view saw, such as one with a body too large."""
    return _refused(GraphRefusal(100, str(err.description), status=err.code))
