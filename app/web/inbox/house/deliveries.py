"""Deliveries: what endpoints are owed, were given, and were not given."""

from __future__ import annotations

from flask import abort, render_template, request
from flask.typing import ResponseReturnValue

from app.schemas.api.deliveries import DeliveryQuery
from app.services.delivering import find_delivery, list_deliveries, retry_deliveries, retry_delivery
from app.services.events import find_subjects
from app.web.api import paging
from app.web.context import gateway
from app.web.inbox.house.blueprint import PAGE_SIZE, back_to, bp
from app.web.inbox.house.forms import read_query

MOST_CHOSEN = 100


@bp.get("/endpoints/<endpoint_id>/deliveries")
def deliveries(endpoint_id: str) -> ResponseReturnValue:
    """Show deliveries to one endpoint, newest first."""
    asked = read_query(DeliveryQuery())
    row = gateway().manage_endpoints.find(endpoint_id)
    cursor, state = asked.get("cursor"), asked.get("state")
    if cursor is not None and not _is_id(cursor):
        raise paging.bad_cursor()
    found = list_deliveries(
        gateway().database, limit=PAGE_SIZE, before=int(cursor) if cursor else None, state=state,
        endpoint_id=row.id, event_id=asked.get("event"),
    )  # fmt: skip
    place = str(found[-1].id) if len(found) == PAGE_SIZE else None
    return render_template(
        "inbox/house/deliveries.html", deliveries=found, endpoint=row, state=state,
        subjects=find_subjects(gateway().database, [each.event_id for each in found]),
        next_cursor=paging.encoded(place),
    )  # fmt: skip


@bp.get("/deliveries/<delivery_id>")
def delivery(delivery_id: str) -> ResponseReturnValue:
    """Show one delivery with every try."""
    row, tries = find_delivery(gateway().database, _id(delivery_id))
    return render_template(
        "inbox/house/delivery.html", delivery=row, tries=tries,
        subject=find_subjects(gateway().database, [row.event_id]).get(row.event_id),
    )  # fmt: skip


@bp.post("/deliveries/<delivery_id>/retry")
def retry_one_delivery(delivery_id: str) -> ResponseReturnValue:
    """Try a delivery now."""
    row = retry_delivery(gateway().database, _id(delivery_id), gateway().now())
    return back_to(".delivery", "retried", delivery_id=row.id)


@bp.post("/endpoints/<endpoint_id>/deliveries")
def retry_chosen_deliveries(endpoint_id: str) -> ResponseReturnValue:
    """Try the deliveries that were chosen in a list."""
    ids = [int(each) for each in request.form.getlist("id")[:MOST_CHOSEN] if _is_id(each)]
    count, _ = retry_deliveries(gateway().database, ids, gateway().now())
    return back_to(".deliveries", "retried-many", endpoint_id=endpoint_id, state="dead", count=count)


def _id(text: str) -> int:
    if not _is_id(text):
        abort(404)
    return int(text)


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 18
