"""Would a send succeed now? The send itself, up to the call to Meta, in a transaction that is rolled back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.db.database import Database
from app.domain.numbers import BusinessNumber
from app.domain.outbound import Mode, OutboundRequest
from app.errors import Invalid
from app.ids import new_id
from app.services.sending import slots
from app.services.sending.record import record


@dataclass(frozen=True, slots=True)
class Sendable:
    """A send that nothing on our side stands against. `at` is when its turn would be; `warnings` stop no send."""

    phone_number_id: str
    at: datetime
    warnings: Sequence[str]


class _Checked(Exception):
    """Rolls the transaction back."""


def check_send(database: Database, number: BusinessNumber, request: OutboundRequest, now: datetime) -> Sendable:
    """Return when the message would be sent. Nothing is stored and no slot is taken.

    Raises what the send would raise before it calls Meta: `Invalid`, `WindowClosed`, `OptedOut`, `GraphThrottled` and
    `GraphUnavailable`.
    """
    if request.expires_at is not None and request.expires_at <= now:
        raise Invalid(fields={"expires_at": ["is over"]})
    at, warnings = request.send_at or now, list[str]()
    try:
        with database.write() as session:
            recorded = record(session, new_id(), number, request, now, status="sending")
            warnings = list(recorded.request.warnings)
            if request.mode is not Mode.QUEUED and not recorded.awaits_media:
                at, _ = slots.reserve_slot(session, number, recorded.recipient, now)
            raise _Checked
    except _Checked:
        return Sendable(number.phone_number_id, at, warnings)
