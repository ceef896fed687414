"""Notifications. Made of the API's description by `client/generate.py`."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, cast

from whatsapp_service_client.downloads import Download
from whatsapp_service_client.operations.base import Operations
from whatsapp_service_client.pages import Pages
from whatsapp_service_client.transport import path_of
from whatsapp_service_client.types import NotificationAnswer, NotificationDetails


class Notifications(Operations):
    """Notifications."""

    def list_notifications(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        since: str | datetime | None = None,
        until: str | datetime | None = None,
        state: Literal["pending", "processed", "parked", "quarantined"] | None = None,
    ) -> Pages[NotificationAnswer]:
        """List webhooks that were kept, newest first.

        - `cursor`: Where the last page ended: its `next_cursor`.
        - `since`: Not before this time (ISO 8601 with its offset).
        - `until`: Before this time (ISO 8601 with its offset).
        """
        path = "/api/notifications"
        query = {"limit": limit, "since": since, "until": until, "state": state}
        return self._pages(path, query, cursor)

    def get_notification(self, notification_id: str) -> NotificationDetails:
        """Show one webhook, and the items of it that were set aside."""
        path = path_of("/api/notifications/{notification_id}", notification_id=notification_id)
        return cast(NotificationDetails, self.transport.json("GET", path))

    def download_notification(self, notification_id: str) -> Download:
        """Download a webhook's bytes, exactly as received."""
        path = path_of("/api/notifications/{notification_id}/raw", notification_id=notification_id)
        return Download(self.transport.send("GET", path, stream=True))

    def replay_notification(self, notification_id: str, *, idempotency_key: str | None = None) -> NotificationAnswer:
        """Have a webhook read again by the worker: what could not be understood gets another chance, nothing else
        happens.

        Answered as soon as it is `pending`.
        """
        path = path_of("/api/notifications/{notification_id}/replay", notification_id=notification_id)
        return cast(NotificationAnswer, self.transport.json("POST", path, idempotency_key=idempotency_key))
