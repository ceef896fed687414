"""What the messages cost, as far as Meta says it: counts by category and day."""

from __future__ import annotations

from flask import render_template, request
from flask.typing import ResponseReturnValue

from app.web.context import gateway
from app.web.inbox.house.blueprint import bp
from app.web.inbox.house.costs import LENGTHS, USUAL, read_costs


@bp.get("/cost")
def cost() -> ResponseReturnValue:
    """Show the messages that Meta charges for."""
    asked = request.args.get("period", USUAL)
    period = asked if asked in LENGTHS else USUAL
    stamp = f"{int(gateway().now().timestamp()) // 300:x}"
    return render_template("inbox/house/cost.html", costs=read_costs(period), period=period, stamp=stamp)
