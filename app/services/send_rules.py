"""What we know Meta will refuse, told before it is asked."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from app.domain.outbound import OutboundRequest
from app.errors import WindowClosed
from app.store import windows

WINDOW = timedelta(hours=24)
"""For how long after a customer's last message or call anything but a template may be sent (Meta: send-messages)."""

MARGIN = timedelta(minutes=5)
"""Clocks differ; in doubt Meta decides."""


def check_window(
    session: Session, request: OutboundRequest, contact_id: str | None, phone_number_id: str, now: datetime
) -> None:
    """Raise `WindowClosed` for a free-form message to somebody whose last word is known to be too long ago.

    Of somebody who never wrote we know nothing: they may have, before this gateway was there to see it.
    """
    if request.type == "template" or request.force or contact_id is None:
        return
    spoke_at = windows.last_spoke_at(session, contact_id, phone_number_id)
    if spoke_at is not None and now - spoke_at > WINDOW + MARGIN:
        raise WindowClosed(meta={"last_inbound_at": spoke_at.isoformat()})
