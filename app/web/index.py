"""The root route `/`, which names the service and its version."""

from __future__ import annotations

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue

from app import __version__
from app.schemas.api.service import ServiceAnswer
from app.web.auth import open_to_all
from app.web.openapi.operations import describe

bp = open_to_all(Blueprint("index", __name__))


@bp.get("/")
@describe("getService", "Descriptions", {200: ServiceAnswer}, errors=())
def index() -> ResponseReturnValue:
    """Say what this is. A browser is sent to the inbox."""
    accepts = request.accept_mimetypes
    if accepts["text/html"] > accepts["application/json"]:
        return redirect(url_for("inbox_conversations.index"), 303), {"Vary": "Accept"}
    return {"status": "ok", "service": "whatsapp-service", "version": __version__}, {"Vary": "Accept"}
