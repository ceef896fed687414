"""What the gateway counts, for Prometheus."""

from __future__ import annotations

from flask import Blueprint, Response
from flask.typing import ResponseReturnValue

from app import metrics
from app.web.auth import requires

bp = requires("read", Blueprint("metrics", __name__))


@bp.get("/metrics")
def show() -> ResponseReturnValue:
    """Every number of every process of this server."""
    return Response(metrics.text(), mimetype="text/plain", headers={"Cache-Control": "no-store"})
