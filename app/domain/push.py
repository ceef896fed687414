"""What a notification on a device says. Nothing of a customer is in it."""

from __future__ import annotations

from app.domain.words import N_

WAITS = N_("Somebody waits")
WROTE = N_("A customer wrote to you")
