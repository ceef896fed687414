"""Statistics."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import Blueprint
from flask.typing import ResponseReturnValue

from app.errors import Invalid, NotFound
from app.schemas.api.lists import list_of
from app.schemas.api.stats import PointAnswer, SeriesQuery, StatsAnswer, StatsQuery
from app.services.operations import read_series, read_stats
from app.web.api import paging
from app.web.auth import caller, requires
from app.web.context import gateway
from app.web.openapi.operations import describe
from app.web.query import query

USUAL = timedelta(hours=24)

bp = requires("read", Blueprint("stats", __name__, url_prefix="/api/stats"))

_SCHEMA, _POINT = StatsAnswer(), PointAnswer()


@bp.get("")
@describe("getStatistics", "Statistics", {200: StatsAnswer}, query=StatsQuery, errors=(404, 503))
def show() -> ResponseReturnValue:
    """Count how much came and went, how well, how fast, and what Meta charges for.

    Counted by the worker: what happened in the last 15 seconds may be missing.
    """
    since, until, numbers = _asked()
    directory, now = gateway().directory.current, gateway().now()
    body: dict[str, object] = _SCHEMA.dump(read_stats(gateway().database, directory, since, until, numbers, now))
    return body


@bp.get("/series")
@describe("getStatisticsSeries", "Statistics", {200: list_of(PointAnswer)}, query=SeriesQuery, errors=(404, 503))
def series() -> ResponseReturnValue:
    """Count the same by the minute, hour (the usual step) or day, oldest first, at most 1,500 points."""
    since, until, numbers = _asked()
    found = read_series(gateway().database, query().get("step", "hour"), since, until, numbers)
    return paging.page(_POINT.dump(found, many=True), None)


def _asked() -> tuple[datetime, datetime, tuple[str, ...] | None]:
    """Return the period and the numbers that the query is about."""
    until = query().get("until", gateway().now())
    since = query().get("since", until - USUAL)
    if since >= until:
        raise Invalid(fields={"since": ["must be before `until`"]})
    numbers, asked = caller().numbers, query().get("phone_number_id")
    if asked is not None:
        if numbers is not None and asked not in numbers:
            raise NotFound("No number has this id.")
        numbers = (asked,)
    return since, until, numbers
