"""Meta's webhooks as they came: those that were set aside first of all."""

from __future__ import annotations

import json

from flask import Response, render_template
from flask.typing import ResponseReturnValue

from app.schemas.api.notifications import NotificationQuery
from app.services.webhooks import find_notification, list_notifications, replay_notification
from app.web.api import paging
from app.web.context import gateway
from app.web.inbox.house.blueprint import PAGE_SIZE, back_to, bp
from app.web.inbox.house.forms import read_query

SHOWN_BYTES = 200_000
"""Of a body; all of it can be downloaded."""


@bp.get("/webhooks")
def webhooks() -> ResponseReturnValue:
    """Show webhooks, newest first: of one state, or all."""
    asked = read_query(NotificationQuery())
    state = asked.get("state")
    found = list_notifications(
        gateway().database, limit=PAGE_SIZE, before=asked.get("cursor"), state=state,
        since=asked.get("since"), until=asked.get("until"),
    )  # fmt: skip
    place = found[-1].id if len(found) == PAGE_SIZE else None
    return render_template(
        "inbox/house/webhooks.html", webhooks=found, state=state, next_cursor=paging.encoded(place)
    )


@bp.get("/webhooks/<notification_id>")
def webhook(notification_id: str) -> ResponseReturnValue:
    """Show one webhook: what was set aside of it, and its body."""
    row, aside = find_notification(gateway().database, notification_id)
    gateway().audit_log.record_now(act="notification.read", subject=f"notification:{row.id}")
    return render_template("inbox/house/webhook.html", webhook=row, aside=aside, body=_shown(row.raw))


@bp.get("/webhooks/<notification_id>/raw")
def webhook_raw(notification_id: str) -> ResponseReturnValue:
    """Download the body of a webhook, byte for byte."""
    row, _ = find_notification(gateway().database, notification_id)
    gateway().audit_log.record_now(act="notification.downloaded", subject=f"notification:{row.id}")
    response = Response(row.raw, mimetype="application/octet-stream")
    response.headers["Content-Disposition"] = f'attachment; filename="{row.id}.json"'
    return response


@bp.post("/webhooks/<notification_id>/replay")
def replay_webhook(notification_id: str) -> ResponseReturnValue:
    """Read a webhook again."""
    row = replay_notification(gateway().database, notification_id, gateway().now())
    return back_to(".webhook", "read-again", notification_id=row.id)


def _shown(raw: bytes) -> str:
    """Return a body as a text to be read: JSON with indents, anything else as it came."""
    try:
        text = json.dumps(json.loads(raw), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        text = raw.decode("utf-8", "replace")
    return text[:SHOWN_BYTES]
