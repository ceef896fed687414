"""Graph's media: upload, and the download URLs that need the token."""

from __future__ import annotations

from contextlib import closing

from flask import Blueprint, Response, jsonify, request

from simulator.faults.gate import through_faults
from simulator.graph.auth import calling_app, visible_number
from simulator.graph.blueprint import graph_blueprint
from simulator.graph.errors import GraphRefusal, missing
from simulator.graph.media.store import KEPT_UPLOADED, StoredFile, check_upload
from simulator.world.simulator import Simulator, current

blueprint = graph_blueprint("media")
downloads = Blueprint("downloads", __name__)


@blueprint.post("/<phone_number_id>/media")
def upload(phone_number_id: str) -> Response:
    """Keep a file for thirty days."""
    simulator = current()
    number = visible_number(simulator, calling_app(simulator), phone_number_id)

    def answer() -> Response:
        return jsonify({"id": _keep(simulator, number.phone_number_id).id})

    return through_faults(simulator, "media", answer)


@downloads.get("/whatsapp_business/attachments/")
def download() -> Response:
    """The bytes behind a URL of the last five minutes, for whoever has a token; an empty answer for everybody else."""
    simulator = current()
    try:
        calling_app(simulator)
    except GraphRefusal:
        return Response(status=401)
    media_id, ticket = request.args.get("mid", ""), request.args.get("hash", "")
    file = simulator.world.media.find_by_url(media_id, ticket, simulator.world.now())
    if file is None:
        return Response(status=404)
    return through_faults(simulator, "media", lambda: Response(file.content, mimetype=file.mime_type))


def file_json(simulator: Simulator, file: StoredFile) -> dict[str, object]:
    """A file as `GET /<media_id>` shows it, with a fresh URL."""
    url = request.host_url.rstrip("/") + simulator.world.media.open_url(file, simulator.world.now())
    return {
        "messaging_product": "whatsapp",
        "url": url,
        "mime_type": file.mime_type,
        "sha256": file.digest,
        "file_size": len(file.content),
        "id": file.id,
    }


def _keep(simulator: Simulator, phone_number_id: str) -> StoredFile:
    if request.form.get("messaging_product") != "whatsapp":
        raise GraphRefusal(100, message="(#100) The parameter messaging_product is required.")
    given = request.files.get("file")
    if given is None:
        raise missing("file")
    with closing(given):
        content = given.read()
    mime_type = request.form.get("type") or given.mimetype
    check_upload(mime_type, len(content))
    until = simulator.world.now() + KEPT_UPLOADED
    return simulator.world.media.add(phone_number_id, mime_type, content, given.filename, until)
