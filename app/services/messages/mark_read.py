"""Mark inbound messages as read at Meta, and show the typing indicator."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from app.db.database import Database
from app.errors import NotFound, WrongState
from app.graph.client import GraphClient
from app.services.registries import NumberDirectory
from app.store import attempts, messages


class MarkRead:
    """Marks inbound messages as read. Idempotent, both at Meta and here."""

    def __init__(
        self, database: Database, directory: NumberDirectory, graph: GraphClient, now: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._directory = directory
        self._graph = graph
        self._now = now

    def __call__(self, message_id: str, numbers: tuple[str, ...] | None, *, typing: bool = False) -> None:
        """Mark an inbound message and the earlier ones of its chat as read; `typing` also shows the typing indicator.

        Raises `NotFound`, `WrongState` for an outbound message or an unknown number, `GraphError` and `Unavailable`.
        """
        with self._database.read() as session:
            row = messages.find(session, message_id, numbers) if "\x00" not in message_id else None
            if row is None:
                raise NotFound("No message has this id.")
            found, wamid, direction, phone_number_id = row.id, row.wamid, row.direction, row.phone_number_id
        number = self._directory.current.find(phone_number_id)  # it may read numbers, with a connection of its own
        if direction != "inbound" or wamid is None:
            raise WrongState("Only a message from a customer can be marked as read.")
        if number is None:
            raise WrongState("The message came to a number that is not configured, so there is no token for it.")
        act = self._graph.show_typing if typing else self._graph.mark_read
        act(number.phone_number_id, wamid, number.access_token)
        with self._database.write() as session:
            attempts.set_status(session, found, "read", ("received",), updated_at=self._now())
