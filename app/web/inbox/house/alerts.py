"""Alerts: what is wrong, and what was."""

from __future__ import annotations

from flask import render_template
from flask.typing import ResponseReturnValue

from app.schemas.api.alerts import AlertAnswer, AlertQuery
from app.services.alerts import list_alerts
from app.web.api import paging
from app.web.context import gateway
from app.web.inbox.house.blueprint import PAGE_SIZE, bp, seen_numbers
from app.web.inbox.house.forms import read_query

_ANSWER = AlertAnswer()


@bp.get("/alerts")
def alerts() -> ResponseReturnValue:
    """Show alerts, the open ones first."""
    asked = read_query(AlertQuery())
    cursor, state = asked.get("cursor"), asked.get("state")
    word, _, alert_id = (cursor or "").partition(":")
    found = list_alerts(
        gateway().database,
        limit=PAGE_SIZE,
        before=(word == "closed", alert_id) if cursor else None,
        is_open=None if state is None else state == "open",
        numbers=seen_numbers(),
    )
    last = found[-1] if len(found) == PAGE_SIZE else None
    place = f"{'closed' if last.closed_at else 'open'}:{last.id}" if last else None
    return render_template(
        "inbox/house/alerts.html", alerts=found, told=_ANSWER.dump(found, many=True), state=state,
        next_cursor=paging.encoded(place),
    )  # fmt: skip
