"""What lets a browser install the inbox as an app: the manifest, the service worker, and a page for being offline.

The service worker keeps the offline page and nothing else: no page that belongs to a person is ever stored.
"""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.web.inbox.access import pages
from app.web.inbox.assets import OWN, asset
from app.web.inbox.languages import language

SIZES = (192, 512)

bp = pages("anyone", Blueprint("inbox_app", __name__, url_prefix="/inbox"))


@bp.get("/app.webmanifest")
def manifest() -> ResponseReturnValue:
    """Describe the app: its name, its icons and where it begins."""
    home = f"{request.script_root}/inbox"
    icons = [{"src": asset("icon.svg"), "sizes": "any", "type": "image/svg+xml"}]
    icons += [{"src": asset(f"icon-{size}.png"), "sizes": f"{size}x{size}", "type": "image/png"} for size in SIZES]
    icons.append({"src": asset("icon-512.png"), "sizes": "512x512", "type": "image/png", "purpose": "maskable"})
    response = jsonify(
        id=home, name=_("Inbox"), short_name=_("Inbox"), lang=language(), start_url=home, scope=home,
        display="standalone", background_color="#101312", theme_color="#0b7a5b", icons=icons,
    )  # fmt: skip
    response.mimetype = "application/manifest+json"
    response.headers["Cache-Control"] = "no-cache"
    return response


@bp.get("/worker.js")
def worker() -> Response:
    """Serve the service worker, from the folder that it serves."""
    response = Response((OWN / "worker.js").read_bytes(), mimetype="text/javascript")
    response.headers["Cache-Control"] = "no-cache"
    response.headers["Service-Worker-Allowed"] = f"{request.script_root}/inbox"
    return response


@bp.get("/offline")
def offline() -> ResponseReturnValue:
    """Say that there is no connection."""
    return render_template("inbox/offline.html")
