"""The gateway's metrics in the formats of Prometheus and OpenMetrics."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, request
from flask.typing import ResponseReturnValue
from prometheus_client import CollectorRegistry

from app import __version__, metrics
from app.errors import Forbidden
from app.services.operations import ReadState
from app.web.auth import caller, requires
from app.web.context import gateway
from app.web.openapi.operations import describe

bp = requires("read", Blueprint("metrics", __name__))

_REGISTRY = "gateway.metrics"


@bp.get("/metrics")
@describe("getMetrics", "Service", {200: "text/plain"})
def show() -> ResponseReturnValue:
    """Show every count of every process of this server, and the state of the gateway."""
    if caller().numbers is not None:
        raise Forbidden("This key is bound to numbers, and the metrics are about all of them.")
    body, content_type = metrics.page(_registry(), request.headers.get("Accept", ""))
    return Response(body, content_type=content_type, headers={"Cache-Control": "no-store"})


def _registry() -> CollectorRegistry:
    found: CollectorRegistry | None = current_app.extensions.get(_REGISTRY)
    if found is None:
        services = gateway()
        read = ReadState(services.config, services.database, services.directory, __version__, services.now)
        found = metrics.registry(read)
        current_app.extensions[_REGISTRY] = found
    return found
