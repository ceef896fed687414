"""Many sends with one handle: queued together, watched, stopped."""

from __future__ import annotations

from itertools import islice
from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from app.domain.outbound import Priority
from app.errors import GatewayError, Invalid
from app.schemas.api.batches import BatchAnswer, BulkAnswer, BulkRequest
from app.schemas.api.lists import PageQuery, list_of
from app.schemas.json_text import parse_json
from app.schemas.loading import load
from app.schemas.send import read_send_request
from app.services.idempotency import Retry, canonical, read_key
from app.services.sending import BatchItem, BatchView, ItemResult
from app.web.api import paging
from app.web.auth import caller, requires
from app.web.bodies import read_json_bytes
from app.web.context import gateway
from app.web.cooperative import yielding
from app.web.idempotency import REPLAYED, key_of_request, takes_key_itself
from app.web.openapi.operations import describe
from app.web.query import query

bp = requires("read", Blueprint("batches", __name__, url_prefix="/api/batches"))
actions = requires("send", Blueprint("batch_actions", __name__, url_prefix="/api"))

BULK_LIMIT = 8 * 1024 * 1024

MOST_PROBLEMS = 500
"""Of one answer."""

_REQUEST = BulkRequest()
_BULK = BulkAnswer()
_BATCH = BatchAnswer()


@bp.get("")
@describe("listBatches", "Batches", {200: list_of(BatchAnswer)}, query=PageQuery)
def index() -> ResponseReturnValue:
    """List batches, newest first."""
    limit = query()["limit"]
    found = gateway().batches.page(limit=limit, before=query().get("cursor"), numbers=caller().numbers)
    return paging.page(_BATCH.dump(found, many=True), found[-1].batch.id if len(found) == limit else None)


@bp.get("/<batch_id>")
@describe("getBatch", "Batches", {200: BatchAnswer})
def show(batch_id: str) -> ResponseReturnValue:
    """Show one batch, and how many of its messages are in which status."""
    return _answer(gateway().batches.find(batch_id, caller().numbers))


@actions.post("/messages/bulk")
@describe("sendMessages", "Sending", {202: BulkAnswer}, body=BulkRequest, errors=(404, 409, 503))
@takes_key_itself
def add() -> ResponseReturnValue:
    """Queue up to 1,000 messages. One that cannot be queued does not keep the others from it.

    A message may carry an `idempotency_key` of its own. Where none is queued there is no batch.
    """
    raw = read_json_bytes(BULK_LIMIT)
    retry, asked = key_of_request(request.path, raw), load(_REQUEST, parse_json(raw))
    priority = Priority(asked.get("priority", Priority.BULK))
    items = [_read(message, asked.get("phone_number_id"), priority) for message in yielding(asked["messages"])]
    added = gateway().batches.add(
        _unequal(items), asked.get("name"), asked.get("phone_number_id"), caller().numbers, retry
    )
    told = _Telling()
    dumped: dict[str, Any] = _BULK.dump({"batch": added.batch_id, "data": [told(each) for each in added.results]})
    return dumped, 202, REPLAYED if added.is_replayed else {}


@actions.post("/batches/<batch_id>/pause")
@describe("pauseBatch", "Batches", {200: BatchAnswer}, errors=(409, 503))
def pause(batch_id: str) -> ResponseReturnValue:
    """Pause a batch. What has not left waits."""
    return _answer(gateway().batches.pause(batch_id, caller().numbers))


@actions.post("/batches/<batch_id>/resume")
@describe("resumeBatch", "Batches", {200: BatchAnswer}, errors=(409, 503))
def resume(batch_id: str) -> ResponseReturnValue:
    """Go on with a batch, also after Meta stopped the number's campaigns."""
    return _answer(gateway().batches.resume(batch_id, caller().numbers))


@actions.post("/batches/<batch_id>/cancel")
@describe("cancelBatch", "Batches", {200: BatchAnswer}, errors=(409, 503))
def cancel(batch_id: str) -> ResponseReturnValue:
    """Cancel a batch. What has not left is given up."""
    return _answer(gateway().batches.cancel(batch_id, caller().numbers))


@actions.post("/batches/<batch_id>/retry-failed")
@describe("retryBatch", "Batches", {200: BatchAnswer}, errors=(409, 503))
def retry_failed(batch_id: str) -> ResponseReturnValue:
    """Try a batch's failed messages again."""
    return _answer(gateway().batches.retry_failed(batch_id, caller().numbers))


def _read(message: dict[str, Any], phone_number_id: str | None, priority: Priority) -> BatchItem:
    given = {"priority": str(priority), "mode": "queued"} | message
    key = given.pop("idempotency_key", None)
    try:
        retry = _key_of_row(key, {"phone_number_id": phone_number_id} | given)
        asked = read_send_request(given, gateway().config.default_region or None)
    except GatewayError as error:
        return error
    if asked.phone_number_id not in (None, phone_number_id):
        return Invalid(fields={"phone_number_id": ["must be the batch's own, or be left out"]})
    return asked, retry


def _key_of_row(key: Any, given: dict[str, Any]) -> Retry | None:
    if key is None:
        return None
    if not isinstance(key, str):
        raise Invalid(fields={"idempotency_key": ["must be a text"]})
    return read_key(key, caller().name, request.path, canonical(given), "idempotency_key")


def _unequal(items: list[BatchItem]) -> list[BatchItem]:
    """The items; those with a key that an earlier one of them has are errors."""
    seen: set[str] = set()
    checked: list[BatchItem] = []
    for item in items:
        retry = None if isinstance(item, GatewayError) else item[1]
        if retry is not None and retry.key in seen:
            item = Invalid(fields={"idempotency_key": ["is that of another message of this request"]})
        seen |= {retry.key} if retry is not None else set()
        checked.append(item)
    return checked


class _Telling:
    """What became of each message, with no more problems in all than somebody might read."""

    def __init__(self) -> None:
        self._room = MOST_PROBLEMS

    def __call__(self, answer: ItemResult) -> dict[str, Any]:
        if not isinstance(answer, GatewayError):
            return {"success": True, "id": answer.id, "status": answer.status, "warnings": answer.warnings}
        fields = answer.fields or {}
        shown = dict(islice(fields.items(), self._room))
        self._room -= len(shown)
        hidden = len(fields) - len(shown)
        more = f" {hidden} problems are not shown; send it alone to see them." if hidden else ""
        message = answer.message + more
        error: dict[str, Any] = {"code": answer.code, "message": message, "retryable": answer.retryable}
        if shown:
            error["fields_"] = shown
        return {"success": False, "error": error}


def _answer(view: BatchView) -> dict[str, Any]:
    dumped: dict[str, Any] = _BATCH.dump(view)
    return dumped
