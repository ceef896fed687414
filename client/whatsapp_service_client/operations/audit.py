"""Audit. Made of the API's description by `client/generate.py`."""

from __future__ import annotations

from datetime import datetime

from whatsapp_service_client.operations.base import Operations
from whatsapp_service_client.pages import Pages
from whatsapp_service_client.types import AuditEntryAnswer


class Audit(Operations):
    """Audit."""

    def list_audit(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        since: str | datetime | None = None,
        until: str | datetime | None = None,
        actor: str | None = None,
        act: str | None = None,
        subject: str | None = None,
    ) -> Pages[AuditEntryAnswer]:
        """List who did what, newest first. Reading lists is not recorded; reading raw webhooks and exports is.

        - `cursor`: Where the last page ended: its `next_cursor`.
        - `since`: Not before this time (ISO 8601 with its offset).
        - `until`: Before this time (ISO 8601 with its offset).
        - `actor`: Who: `key:NAME`, `person:ID`, `cli` or `system`.
        - `act`: What: `contact.erased`; with a dot at its end all of a kind: `endpoint.`.
        - `subject`: To what: `contact:ID`, `message:ID`, `endpoint:ID`, …
        """
        path = "/api/audit"
        query = {"limit": limit, "since": since, "until": until, "actor": actor, "act": act, "subject": subject}
        return self._pages(path, query, cursor)
