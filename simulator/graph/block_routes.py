"""Graph's block list: whom a number does not want to hear from (Meta: block-users)."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify

from simulator.customers.people import Customer
from simulator.graph.auth import calling_app, visible_number
from simulator.graph.blueprint import graph_blueprint, page_of, request_body
from simulator.graph.errors import GraphRefusal, invalid
from simulator.graph.rules import array, choice, structure, text
from simulator.settings import BusinessNumber
from simulator.world.phone_numbers import digits_of
from simulator.world.simulator import Simulator, current

blueprint = graph_blueprint("blocks")
_BLOCK = structure(
    {
        "messaging_product": choice("whatsapp"),
        "block_users": array(structure(optional={"user": text(32), "user_id": text(160)}), 1, 1000),
    }
)


@blueprint.get("/<phone_number_id>/block_users")
def list_blocked(phone_number_id: str) -> Response:
    """Whom the business has blocked."""
    number = visible_number(current(), calling_app(current()), phone_number_id)
    people = [person for person in current().world.customers if _is_blocked(number, person)]
    return page_of([{"messaging_product": "whatsapp", "wa_id": person.wa_id} for person in people])


@blueprint.post("/<phone_number_id>/block_users")
def block(phone_number_id: str) -> Response:
    """Block people who wrote in the last 24 hours."""
    simulator = current()
    number = visible_number(simulator, calling_app(simulator), phone_number_id)
    body = request_body()
    _BLOCK(body, "")
    added, failed = [], []
    for user in body["block_users"]:
        person = _person(simulator, user)
        if person and simulator.world.chat(number, person).window_is_open(simulator.world.now()):
            simulator.world.blocked.add((number.phone_number_id, person.key))
            added.append({"input": _written(user), "wa_id": person.wa_id})
        else:
            failed.append({"input": _written(user), "errors": [GraphRefusal(139100, "Not reachable").to_webhook()]})
    result = {"added_users": added, **({"failed_users": failed} if failed else {})}
    return jsonify({"messaging_product": "whatsapp", "block_users": result})


@blueprint.delete("/<phone_number_id>/block_users")
def unblock(phone_number_id: str) -> Response:
    """Let people write again."""
    simulator = current()
    number = visible_number(simulator, calling_app(simulator), phone_number_id)
    body = request_body()
    _BLOCK(body, "")
    removed = []
    for user in body["block_users"]:
        if person := _person(simulator, user):
            simulator.world.blocked.discard((number.phone_number_id, person.key))
            removed.append({"input": _written(user), "wa_id": person.wa_id})
    return jsonify({"messaging_product": "whatsapp", "block_users": {"removed_users": removed}})


def _person(simulator: Simulator, user: dict[str, Any]) -> Customer | None:
    if user.get("user"):
        return simulator.world.customers.find(digits_of(user["user"]))
    if user.get("user_id"):
        return simulator.world.customers.find_by_user_id(user["user_id"])
    raise invalid("block_users", "must name a user or a user_id")


def _written(user: dict[str, Any]) -> str:
    return str(user.get("user") or user.get("user_id"))


def _is_blocked(number: BusinessNumber, person: Customer) -> bool:
    return (number.phone_number_id, person.key) in current().world.blocked
