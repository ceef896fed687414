"""The first page of the house: is everything well, and how fast is it?"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

from flask import Response, render_template, request
from flask.typing import ResponseReturnValue

from app.schemas.api.alerts import AlertAnswer
from app.services.alerts import list_alerts
from app.services.operations import read_overview, read_series, read_stats
from app.web.context import gateway
from app.web.inbox.house.blueprint import bp, seen_numbers

PERIODS = {
    "hour": ("minute", timedelta(hours=1)),
    "day": ("hour", timedelta(days=1)),
    "month": ("day", timedelta(days=30)),
}
"""The step of the plots, and how far they go back."""

RATE_MINUTES = 5
"""The rate of messages that is told as the present one is that of so many minutes."""

_ALERT = AlertAnswer()


@bp.get("")
def index() -> ResponseReturnValue:
    """Show how the gateway does."""
    return render_template("inbox/house/overview.html", **_facts())


@bp.get("/live")
def live() -> ResponseReturnValue:
    """Answer the part of the overview that changes, or 304 if it has not: its script asks every few seconds."""
    page = render_template("inbox/house/_overview.html", **_facts())
    response = Response(page, mimetype="text/html")
    response.set_etag(hashlib.sha256(page.encode()).hexdigest()[:32])
    return response.make_conditional(request)


def period() -> str:
    """Return the period that the query asks for: a key of `PERIODS`."""
    asked = request.args.get("period", "hour")
    return asked if asked in PERIODS else "hour"


def _facts() -> dict[str, Any]:
    services, now = gateway(), gateway().now()
    name, numbers = period(), seen_numbers()
    step, length = PERIODS[name]
    points = read_series(services.database, step, now - length, now, numbers)
    minutes = read_series(services.database, "minute", now - timedelta(minutes=RATE_MINUTES + 1), now, numbers)
    open_alerts = list_alerts(services.database, limit=50, before=None, is_open=True, numbers=numbers)
    whole = minutes[:RATE_MINUTES]  # the last one is not over
    return {
        "period": name,
        "step": step,
        "points": points,
        "stamp": f"{int(now.timestamp()) // 15:x}" if name == "hour" else f"{int(now.timestamp()) // 300:x}",
        "stats": read_stats(services.database, services.directory.current, now - length, now, numbers, now),
        "overview": read_overview(services.database, now),
        "inbound_rate": sum(point.inbound for point in whole) / RATE_MINUTES,
        "outbound_rate": sum(point.outbound for point in whole) / RATE_MINUTES,
        "open_alerts": _ALERT.dump(open_alerts, many=True),
    }
