"""Checks of sends: Meta gives no clear answer, a queue does not move, replies expired, a permission is missing."""

from __future__ import annotations

from datetime import timedelta

from app.domain.outbound import Priority
from app.domain.rate_limits import BREAKER_THRESHOLD, TOKEN_PAUSES
from app.models import NumberLimit
from app.services.health_checks.context import CheckContext, Findings, at, of_number
from app.store import alert_facts, send_facts

UNREACHABLE_AFTER = timedelta(minutes=1)
"""How long Meta's answers must have been unclear."""

STUCK_AFTER = timedelta(minutes=5)
"""How long a send must have been due."""

RECENT = timedelta(hours=1)
"""How far back expired replies are considered."""

PERMISSION_RECENT = timedelta(days=1)
"""How far back sends without permission are considered."""


def meta_unreachable(context: CheckContext) -> Findings:
    """Find numbers whose sends have waited for a minute because Meta gives no clear answer."""
    with context.database.read() as session:
        paces = send_facts.number_limits(session)
    return [
        of_number(pace.phone_number_id, since=at(pace.ambiguous_since))
        for pace in paces
        if pace.ambiguous_failures >= BREAKER_THRESHOLD
        and pace.ambiguous_since is not None
        and context.now - pace.ambiguous_since >= UNREACHABLE_AFTER
    ]


def queue_stuck(context: CheckContext) -> Findings:
    """Find numbers with a send due for five minutes and none sent meanwhile, if no other alert explains it."""
    before = context.now - STUCK_AFTER
    with context.database.read() as session:
        paces = {pace.phone_number_id: pace for pace in send_facts.number_limits(session)}
        findings = []
        for number_id in sorted(paces.keys() | context.directory.numbers.keys()):
            pace = paces.get(number_id)
            if pace is not None and (_is_told_of(pace) or pace.next_slot_at > before):
                continue
            is_stopped = pace is not None and pace.bulk_stopped_by is not None
            ranks = [each.rank for each in Priority if each is not Priority.BULK or not is_stopped]
            oldest = send_facts.oldest_due(session, number_id, ranks, before)
            if oldest is not None:
                is_ours = context.directory.find(number_id) is not None
                reason = None if is_ours else "the number is not configured any more"
                findings.append(of_number(number_id, waiting_since=at(oldest), reason=reason))
    return findings


def replies_expired(context: CheckContext) -> Findings:
    """Find numbers whose replies to customers expired in the queue within the last hour."""
    with context.database.read() as session:
        found = send_facts.expired_replies(session, context.now - RECENT)
    return [of_number(number, replies=count, first=at(first)) for number, (count, first) in sorted(found.items())]


def not_permitted(context: CheckContext) -> Findings:
    """Find numbers whose newest refused send lacked a permission, and that have sent nothing since."""
    with context.database.read() as session:
        found = alert_facts.refusals(session, "permission", context.now - PERMISSION_RECENT)
    return [of_number(number, code=code) for number, code in sorted(found.items())]


def _is_told_of(pace: NumberLimit) -> bool:
    """Whether another alert already says why the number sends nothing, or Meta has just asked for a pause."""
    return pace.ambiguous_failures >= BREAKER_THRESHOLD or pace.paused_for in TOKEN_PAUSES or pace.paused_for == "rate"
