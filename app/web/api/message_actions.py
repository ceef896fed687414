"""What can be done to a message."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from flask import Blueprint
from flask.typing import ResponseReturnValue

from app.domain.holds import Selection
from app.schemas.api.actions import ActionAnswer
from app.schemas.api.messages import RetryQuery
from app.schemas.api.selections import DoneManyAnswer, RetryRequest, SelectionRequest
from app.schemas.api.service import DoneAnswer
from app.services.sending import BulkResult
from app.web.auth import caller, requires
from app.web.bodies import read_object
from app.web.context import gateway
from app.web.openapi.operations import describe
from app.web.query import query

bp = requires("send", Blueprint("message_actions", __name__, url_prefix="/api/messages"))

_SELECTION, _RETRY, _MANY = SelectionRequest(), RetryRequest(), DoneManyAnswer()


@bp.post("/<path:message_id>/read")
@describe("markMessageRead", "Messages", {200: DoneAnswer}, errors=(409, 422, 429, 502, 503))
def read(message_id: str) -> ResponseReturnValue:
    """Show the customer that their message, and those before it, were read."""
    gateway().mark_read(message_id, caller().numbers)
    return {"success": True}


@bp.post("/<path:message_id>/typing")
@describe("showTyping", "Messages", {200: DoneAnswer}, errors=(409, 422, 429, 502, 503))
def typing(message_id: str) -> ResponseReturnValue:
    """Show that an answer is being written, for 25 seconds at most. The message is marked as read, too."""
    gateway().mark_read(message_id, caller().numbers, typing=True)
    return {"success": True}


@bp.post("/<path:message_id>/retry")
@describe("retryMessage", "Messages", {202: ActionAnswer}, query=RetryQuery, errors=(409, 422, 503))
def retry(message_id: str) -> ResponseReturnValue:
    """Try a message again: one that failed, expired, was given up or is held, with a wamid of its own.

    `?force=true` skips our own checks of the 24-hour window and of opt-outs.
    """
    force = query().get("force", False)
    return _done(message_id, gateway().actions.retry(message_id, caller().numbers, force=force)), 202


@bp.post("/<path:message_id>/cancel")
@describe("cancelMessage", "Messages", {200: ActionAnswer}, errors=(409, 503))
def cancel(message_id: str) -> ResponseReturnValue:
    """Give up a message that is queued or held."""
    return _done(message_id, gateway().actions.cancel(message_id, caller().numbers))


@bp.post("/<path:message_id>/mark-sent")
@describe("markMessageSent", "Messages", {200: ActionAnswer}, errors=(409, 503))
def mark_sent(message_id: str) -> ResponseReturnValue:
    """Say that a message whose outcome nobody knows did go."""
    return _done(message_id, gateway().actions.mark_sent(message_id, caller().numbers))


@bp.post("/release")
@describe("releaseMessages", "Sending", {200: DoneManyAnswer}, body=SelectionRequest)
def release_many() -> ResponseReturnValue:
    """Release many held messages: those that the body says wait for their turn again, at most 5,000 in one call."""
    return _many(gateway().bulk_actions.release, read_object(_SELECTION), ("held",))


@bp.post("/retry")
@describe("retryMessages", "Sending", {200: DoneManyAnswer}, body=RetryRequest)
def retry_many() -> ResponseReturnValue:
    """Try many messages again: those that the body says, at most 5,000 in one call."""
    asked = read_object(_RETRY)
    return _many(gateway().bulk_actions.retry, asked, (asked.get("status", "failed"),))


@bp.post("/cancel")
@describe("cancelMessages", "Sending", {200: DoneManyAnswer}, body=SelectionRequest)
def cancel_many() -> ResponseReturnValue:
    """Give up many messages that are queued or held: those that the body says, at most 5,000 in one call."""
    return _many(gateway().bulk_actions.cancel, read_object(_SELECTION), ())


def _many(
    act: Callable[[Selection], BulkResult], asked: dict[str, Any], statuses: tuple[str, ...]
) -> ResponseReturnValue:
    age = asked.get("older_than_seconds")
    before = gateway().now() - timedelta(seconds=age) if age is not None else None
    if "reason" in asked:
        statuses = ("held",)
    wanted = Selection(
        statuses, caller().numbers, asked.get("phone_number_id"), asked.get("batch"), asked.get("reason"), before
    )
    done = act(wanted)
    body: dict[str, Any] = _MANY.dump({"success": True, **asdict(done)})
    return body


def _done(message_id: str, status: str) -> dict[str, Any]:
    return {"success": True, "id": message_id, "status": status}
