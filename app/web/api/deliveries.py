"""What endpoints are owed: waiting, delivered, dead."""

from __future__ import annotations

from typing import Any

from flask import Blueprint
from flask.typing import ResponseReturnValue

from app.errors import NotFound
from app.schemas.api.deliveries import (
    DeliveryAnswer,
    DeliveryDetails,
    DeliveryQuery,
    EndpointBacklogAnswer,
    RetryManyAnswer,
    RetryManyRequest,
    TryAnswer,
)
from app.schemas.api.lists import list_of
from app.services.delivering import (
    find_delivery,
    list_deliveries,
    read_backlogs,
    retry_deliveries,
    retry_delivery,
)
from app.web.api import paging
from app.web.auth import requires
from app.web.bodies import read_object
from app.web.context import gateway
from app.web.openapi.operations import describe
from app.web.query import query

bp = requires("admin", Blueprint("deliveries", __name__, url_prefix="/api/deliveries"))

_ANSWER, _TRY, _BACKLOG, _MANY = DeliveryAnswer(), TryAnswer(), EndpointBacklogAnswer(), RetryManyRequest()


@bp.get("")
@describe("listDeliveries", "Deliveries", {200: list_of(DeliveryAnswer)}, query=DeliveryQuery)
def index() -> ResponseReturnValue:
    """List deliveries, newest first."""
    limit, cursor = query()["limit"], query().get("cursor")
    if cursor is not None and not _is_id(cursor):
        raise paging.bad_cursor()
    found = list_deliveries(
        gateway().database,
        limit=limit,
        before=int(cursor) if cursor else None,
        state=query().get("state"),
        endpoint_id=query().get("endpoint"),
        event_id=query().get("event"),
    )
    return paging.page(_ANSWER.dump(found, many=True), str(found[-1].id) if len(found) == limit else None)


@bp.get("/backlogs")
@describe("listBacklogs", "Deliveries", {200: list_of(EndpointBacklogAnswer)})
def backlogs() -> ResponseReturnValue:
    """Count what each endpoint is owed and what it was not given, newest endpoint first. Counts stop at 10,000."""
    return paging.page(_BACKLOG.dump(read_backlogs(gateway().database, gateway().now()), many=True), None)


@bp.post("/retry")
@describe("retryDeliveries", "Deliveries", {202: RetryManyAnswer}, body=RetryManyRequest)
def retry_many() -> ResponseReturnValue:
    """Try several deliveries now, up to 100. Those that were delivered, or do not exist, are left out and counted."""
    ids = [int(each) for each in read_object(_MANY)["ids"]]
    count, refused = retry_deliveries(gateway().database, ids, gateway().now())
    return {"count": count, "refused": refused}, 202


@bp.get("/<delivery_id>")
@describe("getDelivery", "Deliveries", {200: DeliveryDetails})
def show(delivery_id: str) -> ResponseReturnValue:
    """Show one delivery, with every try."""
    row, tries = find_delivery(gateway().database, _id(delivery_id))
    body: dict[str, Any] = _ANSWER.dump(row)
    return body | {"tries": _TRY.dump(tries, many=True)}


@bp.post("/<delivery_id>/retry")
@describe("retryDelivery", "Deliveries", {202: DeliveryAnswer}, errors=(409, 503))
def retry(delivery_id: str) -> ResponseReturnValue:
    """Try a delivery now. One that is dead, stale or withheld begins anew, as a replay."""
    body: dict[str, Any] = _ANSWER.dump(retry_delivery(gateway().database, _id(delivery_id), gateway().now()))
    return body, 202


def _id(text: str) -> int:
    if not _is_id(text):
        raise NotFound("No delivery has this id.")
    return int(text)


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 18
