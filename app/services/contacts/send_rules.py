"""What we know Meta will refuse, or the customer does not want, told before Meta is asked.

`known` is what the sending number knows of the recipient; None for a group, and for whom nobody can name.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from app.clock import iso_utc
from app.domain.outbound import OutboundRequest, Priority
from app.errors import OptedOut, WindowClosed
from app.store.contact_numbers import RecipientState

WINDOW = timedelta(hours=24)
"""For how long after a customer's last message or call anything but a template may be sent (Meta: send-messages)."""

NEVER_WROTE = (
    "As far as we know the recipient has never written to this number; Meta then takes a template only, and reports"
    " anything else as failed (131047)."
)

MARGIN = timedelta(minutes=5)
"""Clocks differ; in doubt Meta decides."""


def check_window(request: OutboundRequest, known: RecipientState | None, now: datetime) -> None:
    """Raise `WindowClosed` for a free-form message to somebody whose last word is known to be too long ago.

    Of somebody who never wrote we know nothing: they may have, before this gateway was there to see it.
    """
    if request.type == "template" or request.force or known is None:
        return
    spoke_at = known.last_inbound_at
    if spoke_at is not None and now - spoke_at > WINDOW + MARGIN:
        raise WindowClosed(meta={"last_inbound_at": iso_utc(spoke_at)})


def warnings_for(request: OutboundRequest, known: RecipientState | None) -> list[str]:
    """What Meta may refuse about a send that our own checks let pass, each in one sentence."""
    if request.type == "template" or known is None or known.last_inbound_at is not None:
        return []
    return [NEVER_WROTE]


def check_opt_out(request: OutboundRequest, known: RecipientState | None) -> None:
    """Raise `OptedOut` for marketing to somebody who wants none from this number.

    A template may be marketing (`TemplateCategories` clears one that is not), and so may anything else that is sent to
    many at once. An answer within the window is not.
    """
    is_marketing = request.is_marketing
    if is_marketing is None:
        is_marketing = request.type == "template" or request.priority is Priority.BULK
    if not is_marketing or request.force or known is None:
        return
    if known.opted_out and known.consent_at is not None:
        raise OptedOut(meta={"opted_out_at": iso_utc(known.consent_at), "how": known.consent_source})
