"""Alerts. Made of the API's description by `client/generate.py`."""

from __future__ import annotations

from typing import Literal

from whatsapp_service_client.operations.base import Operations
from whatsapp_service_client.pages import Pages
from whatsapp_service_client.types import AlertAnswer


class Alerts(Operations):
    """Alerts."""

    def list_alerts(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        state: Literal["open", "closed"] | None = None,
    ) -> Pages[AlertAnswer]:
        """List alerts, the open ones first, newest first. A key for some numbers sees what is about these alone.

        - `cursor`: Where the last page ended: its `next_cursor`.
        """
        path = "/api/alerts"
        query = {"limit": limit, "state": state}
        return self._pages(path, query, cursor)
