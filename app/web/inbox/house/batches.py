"""Batches: many sends with one handle."""

from __future__ import annotations

from flask import abort, render_template
from flask.typing import ResponseReturnValue

from app.schemas.api.lists import PageQuery
from app.web.api import paging
from app.web.context import gateway
from app.web.inbox.house.blueprint import back_to, bp, seen_numbers
from app.web.inbox.house.forms import read_query

PAGE_SIZE = 25
"""Each batch counts its messages."""

ACTS = {"pause": "paused", "resume": "resumed", "cancel": "cancelled", "retry-failed": "retried"}


@bp.get("/batches")
def batches() -> ResponseReturnValue:
    """Show batches, newest first."""
    found = gateway().batches.page(
        limit=PAGE_SIZE, before=read_query(PageQuery()).get("cursor"), numbers=seen_numbers()
    )
    place = found[-1].batch.id if len(found) == PAGE_SIZE else None
    return render_template("inbox/house/batches.html", batches=found, next_cursor=paging.encoded(place))


@bp.post("/batches/<batch_id>/<act>")
def act_on_batch(batch_id: str, act: str) -> ResponseReturnValue:
    """Pause, resume or cancel a batch, or retry what failed of it."""
    if act not in ACTS:
        abort(404)
    service, numbers = gateway().batches, seen_numbers()
    acts = {"pause": service.pause, "resume": service.resume, "cancel": service.cancel,
            "retry-failed": service.retry_failed}  # fmt: skip
    acts[act](batch_id, numbers)
    return back_to(".batches", ACTS[act])
