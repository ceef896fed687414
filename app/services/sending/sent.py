"""What a caller learns of its send, also of one that waits for its files."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

from sqlalchemy import bindparam, select

from app.db.database import Database
from app.errors import GraphRefused
from app.graph.answers import SendResult
from app.models import Message

WAIT_SECONDS = 20.0
"""How long a synchronous caller waits for the files of its message, and then for Meta. Below the 30 s that platforms
allow a request."""

POLL_SECONDS = 0.1

_STATE = select(Message.status, Message.wamid, Message.error).where(Message.id == bindparam("id"))
_WAITING = ("queued", "sending")


@dataclass(frozen=True, slots=True)
class Sent:
    """The result of a send. `status` is `queued`, `accepted` by Meta, or `unknown` if Meta's answer never came.

    `id` is ours, `message_id` is the wamid. `result` is Graph's own result of a synchronous send.
    """

    id: str
    message_id: str | None
    status: str
    warnings: list[str] = field(default_factory=list)
    is_replayed: bool = False
    result: SendResult | None = None


def wait_for_result(database: Database, sent: Sent) -> Sent:
    """Wait until a queued message was sent, at most `WAIT_SECONDS`; then it is still `queued`, and goes out later.

    Raises `GraphRefused` if it failed.
    """
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        with database.read() as session:
            row = session.execute(_STATE, {"id": sent.id}).one_or_none()
        if row is not None and row.status == "failed":
            error = row.error or {}
            raise GraphRefused(error.get("title"), meta=error, message_id=sent.id)
        if row is None or row.status not in _WAITING:
            return replace(sent, status=row.status if row else sent.status, message_id=row.wamid if row else None)
        if time.monotonic() >= deadline:
            return replace(sent, status="queued")
        time.sleep(POLL_SECONDS)
