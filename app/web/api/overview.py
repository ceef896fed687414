"""How the gateway does at this moment. For `admin`: it is about all numbers."""

from __future__ import annotations

from flask import Blueprint
from flask.typing import ResponseReturnValue

from app.schemas.api.overview import OverviewAnswer
from app.services.operations import read_overview
from app.web.auth import requires
from app.web.context import gateway
from app.web.openapi.operations import describe

bp = requires("admin", Blueprint("overview", __name__, url_prefix="/api/overview"))

_ANSWER = OverviewAnswer()


@bp.get("")
@describe("getOverview", "Statistics", {200: OverviewAnswer}, errors=(503,))
def show() -> ResponseReturnValue:
    """Show how much waits in each queue and for how long, whether a worker runs, and what waits for a person."""
    body: dict[str, object] = _ANSWER.dump(read_overview(gateway().database, gateway().now()))
    return body
