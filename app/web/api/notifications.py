"""Meta's webhooks as they came. For `admin`: one body may speak of several numbers."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response
from flask.typing import ResponseReturnValue

from app.models import Notification
from app.services.read_notifications import find_notification, list_notifications
from app.web.api import paging
from app.web.auth import requires
from app.web.context import gateway

bp = requires("admin", Blueprint("notifications", __name__, url_prefix="/api/notifications"))


@bp.get("")
def index() -> ResponseReturnValue:
    """Newest first."""
    limit = paging.limit()
    found = list_notifications(
        gateway().database,
        limit=limit,
        before=paging.cursor(),
        state=paging.text("state"),
        since=paging.time("since"),
        until=paging.time("until"),
    )
    return paging.page([_present(row) for row in found], found[-1].id if len(found) == limit else None)


@bp.get("/<notification_id>")
def show(notification_id: str) -> ResponseReturnValue:
    """One webhook, and the items of it that were set aside."""
    row, aside = find_notification(gateway().database, notification_id)
    items = [
        {
            "position": item.position,
            "state": item.state,
            "field": item.field,
            "phone_number_id": item.phone_number_id,
            "reason": item.reason,
        }
        for item in aside
    ]
    return _present(row) | {"set_aside": items}


@bp.get("/<notification_id>/raw")
def raw(notification_id: str) -> ResponseReturnValue:
    """The bytes, exactly as received."""
    row, _ = find_notification(gateway().database, notification_id)
    # Never as something a browser would run: anyone with a signature chose these bytes.
    headers = {"X-Content-Type-Options": "nosniff", "Content-Disposition": 'attachment; filename="notification.json"'}
    return Response(row.raw, mimetype="application/octet-stream", headers=headers)


def _present(row: Notification) -> dict[str, Any]:
    return {
        "id": row.id,
        "state": row.state,
        "reason": row.reason,
        "received_at": row.received_at.isoformat(),
        "processed_at": row.processed_at.isoformat() if row.processed_at else None,
        "request_id": row.request_id,
        "items": row.items,
        "books": row.books,
    }
