"""Follow what happens, in order and without gaps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from whatsapp_service_client.transport import Transport

if TYPE_CHECKING:
    from whatsapp_service_client.types import Event


class EventStream:
    """Events in the order in which they happened. It never ends by itself, unless `until_empty`.

    `cursor` is where to begin after a restart: store it when your work on an event is done. It moves on once all events
    of an answer were taken, so after a crash some may come again; the `id` of an event is then the same.
    """

    def __init__(
        self, transport: Transport, *, after: str, type: str | None, wait: int, limit: int, until_empty: bool
    ) -> None:
        self.cursor = after
        self._transport = transport
        self._type = type
        self._wait = wait
        self._limit = limit
        self._until_empty = until_empty

    def __iter__(self) -> Iterator[Event]:
        while True:
            found = self.next_page()
            yield from found[0]
            self.cursor = found[1]
            if self._until_empty and not found[0]:
                return

    def next_page(self) -> tuple[list[Event], str]:
        """Wait once for events, and return them with the cursor that follows. Does not move `cursor`.

        Raises `CursorGone` if the gateway's database was replaced by another or an older one.
        """
        wait = 0 if self._until_empty else self._wait
        query = {"after": self.cursor, "type": self._type, "wait": wait, "limit": self._limit}
        answer = self._transport.json("GET", "/api/events", query=query, more_seconds=wait)
        return answer["data"], str(answer["next_cursor"])
