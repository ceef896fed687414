"""The customer's phone: one page, its script and its style, all from here."""

from __future__ import annotations

from flask import Blueprint, Response, send_from_directory

from simulator.control.guard import require_local_caller

blueprint = Blueprint("phone", __name__, static_folder="phone", static_url_path="/phone")
blueprint.before_request(require_local_caller)
_POLICY = (
    "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; frame-ancestors 'none'; base-uri 'none'"
)


@blueprint.get("/")
def page() -> Response:
    """The page itself."""
    return send_from_directory(blueprint.static_folder or "", "index.html")


@blueprint.after_request
def keep_to_ourselves(response: Response) -> Response:
    """Nothing on the page may come from, or be shown by, anywhere else."""
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "no-store"
    return response
