"""What the routes under `/simulator/api` share: who may call, errors in JSON, the chat that a path names."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, abort, jsonify, request
from werkzeug.exceptions import HTTPException

from simulator.control.guard import require_local_caller
from simulator.customers.chats import Chat
from simulator.customers.people import Customer
from simulator.world.phone_numbers import digits_of
from simulator.world.simulator import current


def control_blueprint(name: str) -> Blueprint:
    """A blueprint under `/simulator/api` for callers on this machine."""
    blueprint = Blueprint(name, __name__, url_prefix="/simulator/api")
    blueprint.before_request(require_local_caller)
    blueprint.register_error_handler(HTTPException, _refused)
    return blueprint


def request_object() -> dict[str, Any]:
    """The JSON object of the body; 400 for anything else."""
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        abort(400, "Send a JSON object.")
    return body


def customer_of(wa_id: str) -> Customer:
    """The person of a number, who may be somebody new."""
    digits = digits_of(wa_id)
    if not 5 <= len(digits) <= 15:
        abort(404, "That is no phone number.")
    with current().world.lock:
        return current().world.customers.meet(digits)


def chat_of(phone_number_id: str, wa_id: str) -> Chat:
    """The chat of a person with a number of the business's; 404 when there is no such number."""
    number = current().world.numbers.get(phone_number_id)
    if number is None:
        abort(404, "The business has no such number.")
    return current().world.chat(number, customer_of(wa_id))


def _refused(err: HTTPException) -> tuple[Response, int]:
    return jsonify({"error": err.description}), err.code or 500
