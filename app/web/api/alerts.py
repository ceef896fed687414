"""What is wrong, and what was."""

from __future__ import annotations

from flask import Blueprint
from flask.typing import ResponseReturnValue

from app.schemas.api.alerts import STATES, AlertAnswer, AlertQuery
from app.schemas.api.lists import list_of
from app.services.alerts import list_alerts
from app.web.api import paging
from app.web.auth import caller, requires
from app.web.context import gateway
from app.web.openapi.operations import describe
from app.web.query import query

bp = requires("read", Blueprint("alerts", __name__, url_prefix="/api/alerts"))

_ANSWER = AlertAnswer()


@bp.get("")
@describe("listAlerts", "Alerts", {200: list_of(AlertAnswer)}, query=AlertQuery)
def index() -> ResponseReturnValue:
    """List alerts, the open ones first, newest first. A key for some numbers sees what is about these alone."""
    limit, state = query()["limit"], query().get("state")
    found = list_alerts(
        gateway().database,
        limit=limit,
        before=_place(),
        is_open=None if state is None else state == "open",
        numbers=caller().numbers,
    )
    last = found[-1] if len(found) == limit else None
    place = f"{'closed' if last.closed_at else 'open'}:{last.id}" if last else None
    return paging.page(_ANSWER.dump(found, many=True), place)


def _place() -> tuple[bool, str] | None:
    cursor = query().get("cursor")
    if cursor is None:
        return None
    state, _, alert_id = cursor.partition(":")
    if state not in STATES or not alert_id:
        raise paging.bad_cursor()
    return state == "closed", alert_id
