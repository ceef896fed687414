"""What all operations share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from whatsapp_service_client.pages import Pages
from whatsapp_service_client.transport import Transport


class Operations:
    """Operations of one section of the API."""

    transport: Transport

    def _pages(self, path: str, query: Mapping[str, Any], cursor: str | None = None) -> Pages[Any]:
        def fetch(at: str | None) -> dict[str, Any]:
            asked = {**query, "cursor": at} if at is not None else query
            answer: dict[str, Any] = self.transport.json("GET", path, query=asked)
            return answer

        return Pages(fetch, cursor)
