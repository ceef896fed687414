"""Send messages again whose link Meta could not fetch: the gateway fetches the file, and uploads it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from app.db.database import Database
from app.domain.media_references import LINK_FETCHED, references
from app.errors import GatewayError
from app.logs import get_logger
from app.models import Message
from app.services.sending import append_status_events, requeue
from app.store import attempts, events, messages

CODES = frozenset({131014, 131052, 131053})
"""Meta's codes for a file that it could not fetch or use. Source: Meta, support/error-codes; 131014 from test data of
another gateway (courier)."""

SINCE = timedelta(hours=1)
"""Failures that are older are left alone: the message would come as a surprise."""

BATCH_SIZE = 20

logger = get_logger(__name__)


class RetryFailedLinks:
    """A worker calls it from time to time, if `MEDIA_FETCH_LINKS` is `on_failure`."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    def __call__(self) -> bool:
        """Queue failed messages with a link for one more attempt each; return whether there were any."""
        now = self._now()
        with self._database.read() as session:
            found = [
                row.id for row in messages.failed_since(session, now - SINCE, 10 * BATCH_SIZE)
                if (row.error or {}).get("code") in CODES and LINK_FETCHED not in row.flags
                and any(each.is_link for each in references(row.message_type, row.content))
            ]  # fmt: skip
        for message_id in found[:BATCH_SIZE]:
            try:
                self._again(message_id, now)
            except GatewayError as error:  # the window has closed, or the customer opted out
                logger.info("a link is not fetched any more", extra={"message_id": message_id, "reason": error.code})
                self._leave(message_id)
        return bool(found)

    def _again(self, message_id: str, now: datetime) -> None:
        with self._database.write() as session:
            events.take_turn(session)
            row = session.get(Message, message_id)
            if row is None:
                return
            flags = [*row.flags, LINK_FETCHED]
            if attempts.set_status(session, row.id, "queued", ("failed",), updated_at=now, error=None, flags=flags):
                session.refresh(row)
                requeue(session, row, now, False)
                append_status_events(session, {row.id: None}, now)

    def _leave(self, message_id: str) -> None:
        with self._database.write() as session:
            row = session.get(Message, message_id)
            if row is not None and LINK_FETCHED not in row.flags:
                row.flags = [*row.flags, LINK_FETCHED]
