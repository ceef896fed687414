"""Graph's single objects, `/<id>`: a number, an account, a file or a template, whichever has that id."""

from __future__ import annotations

from flask import Response, jsonify, request

from simulator.faults.gate import through_faults
from simulator.graph.auth import calling_app, visible_account, visible_number
from simulator.graph.blueprint import graph_blueprint, pick_fields, request_body
from simulator.graph.errors import GraphRefusal, unknown_object
from simulator.graph.media.routes import file_json
from simulator.graph.media.store import StoredFile
from simulator.graph.number_routes import read_number
from simulator.graph.subscription_routes import override_number
from simulator.graph.templates.routes import edit, visible_template
from simulator.world.simulator import current

blueprint = graph_blueprint("objects")


@blueprint.get("/<object_id>")
def read(object_id: str) -> Response:
    """Read an object."""
    simulator = current()
    app = calling_app(simulator)
    if object_id in simulator.world.numbers:
        number = visible_number(simulator, app, object_id)
        return through_faults(simulator, "management", lambda: jsonify(read_number(number)))
    if object_id in simulator.world.waba_ids:
        visible_account(simulator, app, object_id)
        return jsonify(_account(object_id))
    if file := _file(object_id):
        return through_faults(simulator, "media", lambda: jsonify(file_json(simulator, file)))
    return jsonify(visible_template(object_id).to_json())


@blueprint.post("/<object_id>")
def change(object_id: str) -> Response:
    """Change a number's callback, or a template."""
    simulator = current()
    app = calling_app(simulator)
    if object_id in simulator.world.numbers:
        return jsonify(override_number(visible_number(simulator, app, object_id), request_body()))
    return jsonify(edit(visible_template(object_id)))


@blueprint.delete("/<object_id>")
def delete(object_id: str) -> Response:
    """Delete a file."""
    simulator = current()
    calling_app(simulator)
    file = _file(object_id)
    if file is None:
        raise unknown_object(object_id, "DELETE")
    simulator.world.media.remove(file.id)
    return jsonify({"success": True})


@blueprint.route("/<path:anything>", methods=["GET", "POST", "DELETE"])
def unknown(anything: str) -> Response:
    """Whatever else: Graph calls it an object that does not exist."""
    calling_app(current())
    raise unknown_object(anything.partition("/")[0], request.method)


def _file(media_id: str) -> StoredFile | None:
    """A file, if it is still kept and belongs to the number that the request may name."""
    simulator = current()
    file = simulator.world.media.find(media_id, simulator.world.now())
    owner = request.args.get("phone_number_id")
    if file and owner and owner != file.phone_number_id:
        raise GraphRefusal(100, "The file belongs to another phone number", subcode=33)
    return file


def _account(waba_id: str) -> dict[str, object]:
    known = {
        "id": waba_id,
        "name": "Simulated account",
        "timezone_id": "1",
        "currency": "USD",
        "message_template_namespace": "3a1b7c52_0d4e_4f6a_8b9c_5e2f1d7a6c30",
        "account_review_status": "APPROVED",
        "health_status": current().world.standing.health(waba_id),
    }
    return pick_fields(known, ("name", "timezone_id", "message_template_namespace"), "WhatsAppBusinessAccount")
