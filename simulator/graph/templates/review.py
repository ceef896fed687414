"""Meta's review of a template, told by webhook as it decides."""

from __future__ import annotations

from typing import Any

from simulator.graph.templates.store import Template
from simulator.world.simulator import Simulator

_REJECTED_BY_NAME = "reject"
_STATUS_OF = {"REINSTATED": "APPROVED", "UNARCHIVED": "APPROVED", "FLAGGED": "APPROVED"}


def submit(simulator: Simulator, template: Template) -> None:
    """Review a template in a while. One whose name begins with `reject` is rejected, every other one approved."""
    rejected = template.name.startswith(_REJECTED_BY_NAME)
    event, reason = ("REJECTED", "INVALID_FORMAT") if rejected else ("APPROVED", "NONE")
    after = simulator.settings.pace.reviewed_after
    simulator.scheduler.later(after, lambda: _review(simulator, template, event, reason))


def decide(simulator: Simulator, template: Template, event: str, reason: str = "NONE") -> None:
    """Put a template where an event of Meta's puts it, and tell the account's apps."""
    template.status = _STATUS_OF.get(event, event)
    template.rejected_reason = reason
    value: dict[str, Any] = {
        "event": event,
        "message_template_id": int(template.id),
        "message_template_name": template.name,
        "message_template_language": template.language,
        "message_template_category": template.category,
        "reason": reason,
    }
    simulator.tell_account(template.waba_id, "message_template_status_update", value)


def _review(simulator: Simulator, template: Template, event: str, reason: str) -> None:
    if template.status == "PENDING":  # somebody may have decided, or deleted it, in the meantime
        decide(simulator, template, event, reason)
