"""`/simulator/api`: how the page, the `say` command and tests act as the customer and look inside."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response, abort, jsonify, request
from werkzeug.exceptions import HTTPException

from app.simulator import writing
from app.simulator.chats import Chat
from app.simulator.guard import require_local_caller
from app.simulator.phone_numbers import digits_of
from app.simulator.simulator import current

blueprint = Blueprint("control", __name__, url_prefix="/simulator/api")
blueprint.before_request(require_local_caller)
_LONGEST_WAIT = 25.0
_SHOWN = 200


@blueprint.get("/world")
def world() -> Response:
    """The numbers and the people there are."""
    simulator = current()
    numbers = [asdict(number) for number in simulator.settings.numbers]
    customers = [{"wa_id": person.wa_id, "name": person.name} for person in simulator.world.customers]
    return jsonify({"numbers": numbers, "customers": customers})


@blueprint.get("/chats/<phone_number_id>/<wa_id>")
def chat(phone_number_id: str, wa_id: str) -> Response:
    """A chat as the customer sees it; with `after` and `wait`, once it has changed past that version."""
    found = _chat(phone_number_id, wa_id)
    wait = min(request.args.get("wait", 0.0, float), _LONGEST_WAIT)
    if wait > 0:
        current().world.wait_for_change(found, request.args.get("after", 0, int), wait)
    return jsonify(_chat_json(found))


@blueprint.post("/chats/<phone_number_id>/<wa_id>/messages")
def write(phone_number_id: str, wa_id: str) -> tuple[Response, int]:
    """Write as the customer: `type`, the object of that name as Meta's webhooks have it, and `quoted_id` of a reply."""
    body = _object()
    kind = body.get("type")
    if not isinstance(kind, str) or kind not in body:
        abort(400, "Give a `type` and the content under that name.")
    found = _chat(phone_number_id, wa_id)
    message = writing.write(current(), found, kind, body[kind], body.get("quoted_id"))
    return jsonify({"id": message.id, "version": found.version}), 201


@blueprint.get("/accepted")
def accepted() -> Response:
    """Every message that `POST …/messages` accepted, oldest first."""
    simulator = current()
    with simulator.world.lock:
        return jsonify({"data": [asdict(message) for message in simulator.world.accepted]})


@blueprint.errorhandler(HTTPException)
def refused(err: HTTPException) -> tuple[Response, int]:
    """Say in JSON what was wrong."""
    return jsonify({"error": err.description}), err.code or 500


def _chat(phone_number_id: str, wa_id: str) -> Chat:
    simulator = current()
    number = simulator.world.numbers.get(phone_number_id)
    digits = digits_of(wa_id)
    if number is None or not digits:
        abort(404, "There is no such number.")
    with simulator.world.lock:
        return simulator.world.chat(number, simulator.world.customers.meet(digits))


def _chat_json(found: Chat) -> dict[str, Any]:
    simulator = current()
    with simulator.world.lock:
        return {
            "version": found.version,
            "business": found.number.verified_name,
            "business_number": found.number.display_phone_number,
            "customer": found.customer.name,
            "business_types": found.business_types_until > simulator.world.now(),
            "messages": [message.to_json() for message in found.messages[-_SHOWN:]],
        }


def _object() -> dict[str, Any]:
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        abort(400, "Send a JSON object.")
    return body
