"""Graph's address space, `/<version>/…`: each answer and refusal in Graph's own shape."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from app.simulator import identifiers, sending
from app.simulator.errors import GraphRefusal, unknown_object
from app.simulator.graph_auth import calling_app, visible_number
from app.simulator.reading import mark_read
from app.simulator.simulator import current

blueprint = Blueprint("graph", __name__, url_prefix="/<any_version:version>")


@blueprint.url_value_preprocessor
def forget_version(endpoint: str | None, values: dict[str, Any] | None) -> None:
    """Every version answers alike, so no view asks for it."""
    if values:
        values.pop("version", None)


@blueprint.post("/<phone_number_id>/messages")
def messages(phone_number_id: str) -> Response:
    """Send a message, mark one as read, or show the typing dots."""
    simulator = current()
    number = visible_number(simulator, calling_app(simulator), phone_number_id)
    body = _json_object()
    if "status" in body:
        return jsonify(mark_read(simulator, number, body))
    return jsonify(sending.accept(simulator, number, body))


@blueprint.route("/<path:anything>", methods=["GET", "POST", "DELETE"])
def unknown(anything: str) -> Response:
    """Whatever else: Graph calls it an object that does not exist."""
    calling_app(current())
    raise unknown_object(anything.partition("/")[0], request.method)


@blueprint.errorhandler(GraphRefusal)
def refused(refusal: GraphRefusal) -> tuple[Response, int]:
    """A refusal as the body and status that Graph gives it."""
    return jsonify(refusal.to_json(identifiers.trace_id(current().world.random))), refusal.status


@blueprint.errorhandler(HTTPException)
def not_even_read(err: HTTPException) -> tuple[Response, int]:
    """A request that no view saw, such as one with a method that Graph does not know."""
    return refused(GraphRefusal(100, str(err.description), status=err.code))


def _json_object() -> dict[str, Any]:
    """The body, which Graph also takes as a form; anything that is neither is as good as empty."""
    body = request.get_json(silent=True, force=True)
    if isinstance(body, dict):
        return body
    return dict(request.form)
