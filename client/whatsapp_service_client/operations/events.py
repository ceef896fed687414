"""Events. Made of the API's description by `client/generate.py`."""

from __future__ import annotations

from whatsapp_service_client.operations.base import Operations
from whatsapp_service_client.pages import Pages
from whatsapp_service_client.types import Event


class Events(Operations):
    """Events."""

    def list_events(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        type: str | None = None,
    ) -> Pages[Event]:
        """List events, newest first; or, with `after`, ascending and without gaps.

        `after` is a `next_cursor`, 0 for the beginning, or `newest`. `wait` says for how many seconds to wait for the
        next one, and `next_cursor` is always where to go on. 410 is for a cursor whose event this database does not
        have; `error.meta.start` is where to go on.

        - `cursor`: Where the last page ended: its `next_cursor`.
        - `type`: `message.received`, `message.status`, …. `unknown:NAME` stands for what Meta may add.
        """
        path = "/api/events"
        query = {"limit": limit, "type": type}
        return self._pages(path, query, cursor)
