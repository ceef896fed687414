"""Many sends with one handle: queued together, watched, stopped."""

from __future__ import annotations

from itertools import islice
from typing import Any

from flask import Blueprint
from flask.typing import ResponseReturnValue

from app.domain.outbound import Priority
from app.errors import GatewayError, Invalid
from app.schemas.api.batches import BatchAnswer, BulkAnswer, BulkRequest
from app.schemas.json_text import parse_json
from app.schemas.loading import load
from app.schemas.send import read_send_request
from app.services.sending.batches import BatchView, Item
from app.web.api import paging
from app.web.auth import caller, requires
from app.web.bodies import read_json_bytes
from app.web.context import gateway
from app.web.query import query
from app.web.turns import in_turns

bp = requires("read", Blueprint("batches", __name__, url_prefix="/api/batches"))
actions = requires("send", Blueprint("batch_actions", __name__, url_prefix="/api"))

BULK_LIMIT = 8 * 1024 * 1024

MOST_PROBLEMS = 500
"""Of one answer."""

_REQUEST = BulkRequest()
_BULK = BulkAnswer()
_BATCH = BatchAnswer()


@bp.get("")
def index() -> ResponseReturnValue:
    """Newest first."""
    limit = query()["limit"]
    found = gateway().batches.page(limit=limit, before=query().get("cursor"), numbers=caller().numbers)
    return paging.page(_BATCH.dump(found, many=True), found[-1].batch.id if len(found) == limit else None)


@bp.get("/<batch_id>")
def show(batch_id: str) -> ResponseReturnValue:
    """One batch."""
    return _answer(gateway().batches.find(batch_id, caller().numbers))


@actions.post("/messages/bulk")
def add() -> ResponseReturnValue:
    """Queue up to 1,000 messages. One that cannot be queued does not keep the others from it."""
    asked = load(_REQUEST, parse_json(read_json_bytes(BULK_LIMIT)))
    priority = Priority(asked.get("priority", Priority.BULK))
    items = [_read(message, asked.get("phone_number_id"), priority) for message in in_turns(asked["messages"])]
    batch_id, answers = gateway().batches.add(
        items, asked.get("name"), asked.get("phone_number_id"), caller().numbers
    )
    told = _Telling()
    data = [told(item, answer) for item, answer in zip(items, answers, strict=True)]
    dumped: dict[str, Any] = _BULK.dump({"batch": batch_id, "data": data})
    return dumped, 202


@actions.post("/batches/<batch_id>/pause")
def pause(batch_id: str) -> ResponseReturnValue:
    """Let what has not left wait."""
    return _answer(gateway().batches.pause(batch_id, caller().numbers))


@actions.post("/batches/<batch_id>/resume")
def resume(batch_id: str) -> ResponseReturnValue:
    """Go on, also after Meta stopped the number's campaigns."""
    return _answer(gateway().batches.resume(batch_id, caller().numbers))


@actions.post("/batches/<batch_id>/cancel")
def cancel(batch_id: str) -> ResponseReturnValue:
    """Give up what has not left."""
    return _answer(gateway().batches.cancel(batch_id, caller().numbers))


@actions.post("/batches/<batch_id>/retry-failed")
def retry_failed(batch_id: str) -> ResponseReturnValue:
    """Queue what failed for another try."""
    return _answer(gateway().batches.retry_failed(batch_id, caller().numbers))


def _read(message: dict[str, Any], phone_number_id: str | None, priority: Priority) -> Item:
    given = {"priority": str(priority), "mode": "queued"} | message
    try:
        request = read_send_request(given, gateway().config.default_region or None)
    except GatewayError as error:
        return error
    if request.phone_number_id not in (None, phone_number_id):
        return Invalid(fields={"phone_number_id": ["must be the batch's own, or be left out"]})
    return request


class _Telling:
    """What became of each message, with no more problems in all than somebody might read."""

    def __init__(self) -> None:
        self._room = MOST_PROBLEMS

    def __call__(self, item: Item, answer: str | GatewayError) -> dict[str, Any]:
        if isinstance(answer, str):
            warnings = [] if isinstance(item, GatewayError) else item.warnings
            return {"success": True, "id": answer, "status": "queued", "warnings": warnings}
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
