"""`/simulator/api`: look into the simulated Meta, put its clock ahead, let things go wrong, and start afresh."""

from __future__ import annotations

from dataclasses import asdict

from flask import Response, abort, jsonify, request

from simulator.control.blueprint import control_blueprint, request_object
from simulator.faults.rules import fault_of
from simulator.graph.templates import review as template_review
from simulator.world.simulator import current

blueprint = control_blueprint("control")


@blueprint.get("/world")
def world() -> Response:
    """The numbers and the people there are."""
    simulator = current()
    numbers = [asdict(number) for number in simulator.settings.numbers]
    with simulator.world.lock:
        customers = [person.to_json() for person in simulator.world.customers]
    return jsonify({"numbers": numbers, "customers": customers})


@blueprint.get("/accepted")
def accepted() -> Response:
    """Every message that `POST …/messages` accepted, oldest first; `to` and `tag` choose among them."""
    simulator = current()
    wanted_to, wanted_tag = request.args.get("to"), request.args.get("tag")
    with simulator.world.lock:
        found = [
            asdict(message)
            for message in simulator.world.accepted
            if wanted_to in (None, message.to) and wanted_tag in (None, message.biz_opaque_callback_data)
        ]
    return jsonify({"data": found})


@blueprint.post("/clock")
def advance_clock() -> Response:
    """Put the simulated time ahead by `advance_seconds`: windows close, files and URLs expire."""
    seconds = request_object().get("advance_seconds")
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or seconds < 0:
        abort(400, "Give `advance_seconds`, a number that is not negative.")
    current().world.advance_clock(seconds)
    return jsonify({"now": current().world.now()})


@blueprint.post("/standing")
def change_standing() -> Response:
    """Change how Meta sees the business: `{"number": {…fields}}`, `{"token": {…}}` or `{"account": {…}}`."""
    simulator, body = current(), request_object()
    number, app = simulator.settings.numbers[0], simulator.settings.apps[0]
    standing = simulator.world.standing
    try:
        standing.change_number(str(body.get("phone_number_id", number.phone_number_id)), body.get("number") or {})
        standing.change_token(str(body.get("app_id", app.app_id)), **(body.get("token") or {}))
        standing.change_account(str(body.get("waba_id", number.waba_id)), **(body.get("account") or {}))
    except (TypeError, ValueError) as err:
        abort(400, str(err))
    return jsonify({"success": True})


@blueprint.get("/faults")
def list_faults() -> Response:
    """The faults in force, and how often each has struck."""
    return jsonify({"data": current().world.faults.to_json()})


@blueprint.post("/faults")
def add_fault() -> tuple[Response, int]:
    """Put a fault in force: `kind`, and any of `share to times seconds code status on`."""
    try:
        fault = fault_of(request_object())
    except (ValueError, TypeError) as err:
        abort(400, str(err))
    return jsonify({"id": current().world.faults.add(fault)}), 201


@blueprint.delete("/faults")
def clear_faults() -> Response:
    """Take every fault away."""
    current().world.faults.clear()
    return jsonify({"success": True})


@blueprint.delete("/faults/<int:fault_id>")
def remove_fault(fault_id: int) -> Response:
    """Take one fault away."""
    if not current().world.faults.remove(fault_id):
        abort(404, "There is no such fault.")
    return jsonify({"success": True})


@blueprint.post("/webhooks")
def send_webhook() -> tuple[Response, int]:
    """Send any change: `field` and `value` as Meta has them, for a `phone_number_id` or a `waba_id`."""
    body, simulator = request_object(), current()
    field, value = body.get("field"), body.get("value")
    if not isinstance(field, str) or not isinstance(value, dict):
        abort(400, "Give a `field` and an object as its `value`.")
    number = simulator.world.numbers.get(str(body.get("phone_number_id")))
    if number is not None:
        simulator.tell(number, field, value)
    elif body.get("waba_id") in simulator.world.waba_ids:
        simulator.tell_account(body["waba_id"], field, value)
    else:
        abort(404, "Give the `phone_number_id` or the `waba_id` that it is about.")
    return jsonify({"success": True}), 202


@blueprint.post("/templates/<template_id>/review")
def review(template_id: str) -> Response:
    """Decide as Meta would: `event` such as APPROVED, REJECTED or PAUSED, and a `reason`."""
    template = current().world.templates.get(template_id)
    body = request_object()
    if template is None or not isinstance(body.get("event"), str):
        abort(404 if template is None else 400, "Name a template and an `event`.")
    template_review.decide(current(), template, body["event"], str(body.get("reason", "NONE")))
    return jsonify(template.to_json())
