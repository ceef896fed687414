"""The gateway's metrics in the format of Prometheus."""

from __future__ import annotations

from flask import Blueprint, Response
from flask.typing import ResponseReturnValue

from app import metrics
from app.web.auth import requires
from app.web.openapi.operations import describe

bp = requires("read", Blueprint("metrics", __name__))


@bp.get("/metrics")
@describe("getMetrics", "Service", {200: "text/plain"})
def show() -> ResponseReturnValue:
    """Show every count of every process of this server."""
    return Response(metrics.text(), mimetype="text/plain", headers={"Cache-Control": "no-store"})
