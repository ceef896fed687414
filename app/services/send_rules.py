"""What we know Meta will refuse, or the customer does not want, told before Meta is asked."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from app.domain.outbound import OutboundRequest, Priority
from app.errors import OptedOut, WindowClosed
from app.store import contact_numbers

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
    spoke_at = contact_numbers.last_spoke_at(session, contact_id, phone_number_id)
    if spoke_at is not None and now - spoke_at > WINDOW + MARGIN:
        raise WindowClosed(meta={"last_inbound_at": spoke_at.isoformat()})


def check_opt_out(
    session: Session, request: OutboundRequest, contact_id: str | None, phone_number_id: str
) -> None:  # fmt: skip
    """Raise `OptedOut` for marketing to somebody who wants none from this number.

    A template may be marketing (`TemplateCategories` clears one that is not), and so may anything else that is sent to
    many at once. An answer within the window is not.
    """
    is_marketing = request.is_marketing
    if is_marketing is None:
        is_marketing = request.type == "template" or request.priority is Priority.BULK
    if not is_marketing or request.force or contact_id is None:
        return
    known = contact_numbers.find(session, contact_id, phone_number_id)
    if known is not None and known.opted_out and known.wished_at is not None:
        raise OptedOut(meta={"opted_out_at": known.wished_at.isoformat(), "how": known.wish})
