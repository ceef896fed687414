"""Checks of a send before Meta is called: the 24-hour window and opt-outs.

`known` is what the sending number knows of the recipient; None for a group and for an unknown kind of address.
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
"""Tolerance for differing clocks: within it the send goes to Meta, which decides."""


def check_window(request: OutboundRequest, known: RecipientState | None, now: datetime) -> None:
    """Raise `WindowClosed` for a free-form message to a recipient whose last inbound activity is too long ago.

    A recipient without any is not refused: they may have written before this gateway was installed.
    """
    if request.type == "template" or request.force or known is None:
        return
    spoke_at = known.last_inbound_at
    if spoke_at is not None and now - spoke_at > WINDOW + MARGIN:
        raise WindowClosed(meta={"last_inbound_at": iso_utc(spoke_at)})


def warnings_for(request: OutboundRequest, known: RecipientState | None) -> list[str]:
    """Return warnings, a sentence each, about what Meta may refuse although our own checks pass."""
    if request.type == "template" or known is None or known.last_inbound_at is not None:
        return []
    return [NEVER_WROTE]


def check_opt_out(request: OutboundRequest, known: RecipientState | None) -> None:
    """Raise `OptedOut` for marketing to a recipient who opted out on this number.

    Unless the request says otherwise, templates count as marketing (`TemplateCategories` clears those that are not),
    and so does any message of a bulk send. An answer within the window does not.
    """
    is_marketing = request.is_marketing
    if is_marketing is None:
        is_marketing = request.type == "template" or request.priority is Priority.BULK
    if not is_marketing or request.force or known is None:
        return
    if known.opted_out and known.consent_at is not None:
        raise OptedOut(meta={"opted_out_at": iso_utc(known.consent_at), "how": known.consent_source})
