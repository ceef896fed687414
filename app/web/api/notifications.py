"""Meta's webhooks as they came. For `admin`: one body may speak of several numbers."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response
from flask.typing import ResponseReturnValue

from app.schemas.api.lists import list_of
from app.schemas.api.notifications import NotificationAnswer, NotificationDetails, NotificationQuery, SetAsideItem
from app.services.webhooks import find_notification, list_notifications, replay_notification
from app.web.api import paging
from app.web.auth import requires
from app.web.context import gateway
from app.web.openapi.operations import Bytes, describe
from app.web.query import query

bp = requires("admin", Blueprint("notifications", __name__, url_prefix="/api/notifications"))

_ANSWER, _ASIDE = NotificationAnswer(), SetAsideItem()


@bp.get("")
@describe("listNotifications", "Notifications", {200: list_of(NotificationAnswer)}, query=NotificationQuery)
def index() -> ResponseReturnValue:
    """List webhooks that were kept, newest first."""
    asked = query()
    limit = asked["limit"]
    found = list_notifications(
        gateway().database,
        limit=limit,
        before=asked.get("cursor"),
        state=asked.get("state"),
        since=asked.get("since"),
        until=asked.get("until"),
    )
    return paging.page(_ANSWER.dump(found, many=True), found[-1].id if len(found) == limit else None)


@bp.get("/<notification_id>")
@describe("getNotification", "Notifications", {200: NotificationDetails})
def show(notification_id: str) -> ResponseReturnValue:
    """Show one webhook, and the items of it that were set aside."""
    row, aside = find_notification(gateway().database, notification_id)
    body: dict[str, Any] = _ANSWER.dump(row)
    return body | {"set_aside": _ASIDE.dump(aside, many=True)}


@bp.post("/<notification_id>/replay")
@describe("replayNotification", "Notifications", {202: NotificationAnswer})
def replay(notification_id: str) -> ResponseReturnValue:
    """Have a webhook read again by the worker: what could not be understood gets another chance, nothing else happens.

    Answered as soon as it is `pending`.
    """
    row = replay_notification(gateway().database, notification_id, gateway().now())
    body: dict[str, Any] = _ANSWER.dump(row)
    return body, 202


@bp.get("/<notification_id>/raw")
@describe("downloadNotification", "Notifications", {200: Bytes(("application/octet-stream",))})
def raw(notification_id: str) -> ResponseReturnValue:
    """Download a webhook's bytes, exactly as received."""
    row, _ = find_notification(gateway().database, notification_id)
    gateway().audit_log.record_now(act="notification.downloaded", subject=f"notification:{notification_id}")
    # Never as something a browser would run: anyone with a signature chose these bytes.
    headers = {"X-Content-Type-Options": "nosniff", "Content-Disposition": 'attachment; filename="notification.json"'}
    return Response(row.raw, mimetype="application/octet-stream", headers=headers)
