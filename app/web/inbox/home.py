"""The first page of the inbox."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from app.web.inbox.access import pages

bp = pages("agent", Blueprint("inbox_home", __name__, url_prefix="/inbox"))


@bp.get("", strict_slashes=False)
def index() -> ResponseReturnValue:
    """Show the inbox."""
    return render_template("inbox/home.html")
