"""Graph's resumable uploads: announce a file, send it in one or more parts, ask how far it is."""

from __future__ import annotations

import re

from flask import Response, jsonify, request

from simulator.faults.gate import through_faults
from simulator.graph.auth import calling_app
from simulator.graph.blueprint import graph_blueprint, request_body
from simulator.graph.errors import malformed, unknown_object
from simulator.graph.rules import structure
from simulator.graph.uploads.store import NEW_UPLOAD, Upload
from simulator.world.simulator import Simulator, current

blueprint = graph_blueprint("uploads")


@blueprint.post("/<app_id>/uploads")
def start(app_id: str) -> Response:
    """Announce a file; `app` is the token's own app."""
    simulator = current()
    app = calling_app(simulator)
    if app_id not in (app.app_id, "app"):
        raise unknown_object(app_id, request.method)
    body = {**request_body(), **request.args.to_dict()}
    structure(NEW_UPLOAD)({name: body[name] for name in NEW_UPLOAD if name in body}, "")

    def answer() -> Response:
        with simulator.world.lock:
            upload = simulator.world.uploads.start(app.app_id, int(body["file_length"]), body["file_type"])
        return jsonify({"id": upload.id})

    return through_faults(simulator, "media", answer)


@blueprint.post("/upload:<upload_id>")
def append(upload_id: str) -> Response:
    """Take in a part of the file; the last one is answered with the file's handle."""
    simulator = current()
    upload = _visible_upload(simulator, upload_id)
    piece = request.get_data(cache=False)

    def answer() -> Response:
        with simulator.world.lock:
            upload.append(_offset(upload), piece)
        return jsonify({"h": upload.handle} if upload.is_whole else _progress(upload))

    return through_faults(simulator, "media", answer)


@blueprint.get("/upload:<upload_id>")
def show(upload_id: str) -> Response:
    """How much of the file has come."""
    simulator = current()
    upload = _visible_upload(simulator, upload_id)
    return through_faults(simulator, "media", lambda: jsonify(_progress(upload)))


def _visible_upload(simulator: Simulator, upload_id: str) -> Upload:
    named = f"upload:{upload_id}?sig={request.args.get('sig', '')}"
    return simulator.world.uploads.get(named, calling_app(simulator).app_id, request.method)


def _offset(upload: Upload) -> int:
    """Where the body belongs. The server in front of this drops headers with an underscore; one that came counts."""
    given = request.headers.get("file_offset")
    if given is None:
        return len(upload.content)
    if not re.fullmatch("[0-9]{1,12}", given):
        raise malformed("file_offset", "must be an integer.")
    return int(given)


def _progress(upload: Upload) -> dict[str, object]:
    return {"id": upload.id, "file_offset": len(upload.content)}
