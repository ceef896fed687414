"""Graph's messages endpoint: send, mark as read, show the typing dots; and what became of what was sent."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify, request

from simulator.faults.gate import through_faults
from simulator.graph.auth import calling_app, need_scope, visible_number
from simulator.graph.blueprint import graph_blueprint, page_of, request_body
from simulator.graph.errors import GraphRefusal
from simulator.graph.messages import sending
from simulator.graph.messages.reading import mark_read
from simulator.world.simulator import current

blueprint = graph_blueprint("messages")


@blueprint.post("/<phone_number_id>/messages")
def messages(phone_number_id: str) -> Response:
    """Send a message, mark one as read, or show the typing dots."""
    simulator = current()
    app = calling_app(simulator)
    number = visible_number(simulator, app, phone_number_id)
    need_scope(simulator, app, "whatsapp_business_messaging")
    body = request_body()

    def answer() -> Response:
        if not simulator.world.standing.is_registered(phone_number_id):
            raise GraphRefusal(133010, "The phone number is not registered.")
        act = mark_read if "status" in body else sending.accept
        return jsonify(act(simulator, number, body))

    return through_faults(simulator, "messages", answer, str(body.get("to") or ""))


@blueprint.get("/<phone_number_id>/message_history")
def message_history(phone_number_id: str) -> Response:
    """The statuses of messages that were sent, or of one `message_id`."""
    simulator = current()
    number = visible_number(simulator, calling_app(simulator), phone_number_id)
    wanted = request.args.get("message_id")
    ours = (item.id for item in simulator.world.accepted if item.phone_number_id == number.phone_number_id)
    return page_of([_history(message_id) for message_id in ours if wanted in (None, message_id)])


def _history(message_id: str) -> dict[str, Any]:
    statuses = current().world.history.get(message_id, [])
    events = [{"delivery_status": status.upper(), "timestamp": timestamp} for status, timestamp in statuses]
    return {"id": message_id, "message_id": message_id, "events": {"data": events}}
