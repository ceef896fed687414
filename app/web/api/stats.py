"""Statistics."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint
from flask.typing import ResponseReturnValue

from app.errors import Invalid, NotFound
from app.schemas.api.stats import StatsAnswer, StatsQuery
from app.services.operations import read_stats
from app.web.auth import caller, requires
from app.web.context import gateway
from app.web.openapi.operations import describe
from app.web.query import query

USUAL = timedelta(hours=24)

bp = requires("read", Blueprint("stats", __name__, url_prefix="/api/stats"))

_SCHEMA = StatsAnswer()


@bp.get("")
@describe("getStatistics", "Statistics", {200: StatsAnswer}, query=StatsQuery, errors=(404, 503))
def show() -> ResponseReturnValue:
    """Count how much came and went, how well, how fast, and what Meta charges for.

    Counted by the worker: what happened in the last 15 seconds may be missing.
    """
    now = gateway().now()
    until = query().get("until", now)
    since = query().get("since", until - USUAL)
    if since >= until:
        raise Invalid(fields={"since": ["must be before `until`"]})
    numbers, asked = caller().numbers, query().get("phone_number_id")
    if asked is not None:
        if numbers is not None and asked not in numbers:
            raise NotFound("No number has this id.")
        numbers = (asked,)
    directory = gateway().directory.current
    body: dict[str, object] = _SCHEMA.dump(read_stats(gateway().database, directory, since, until, numbers, now))
    return body
