"""What goes wrong between processes: settings that differ, the settings' endpoint changed, a worker refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from app.domain.alerts import Finding
from app.services.health_checks.context import CheckContext, Findings
from app.services.operations import unequal
from app.store import alerts, workers

LATELY = timedelta(hours=1)


def settings_unequal(context: CheckContext) -> Findings:
    """Settings in which processes that are alive differ, each with their machines: workers, which count, come first."""
    with context.database.read() as session:
        found = unequal([*workers.living(session, context.now), *workers.living_web(session, context.now)])
    return [Finding(name, details={"workers": ", ".join(hosts)}) for name, hosts in sorted(found.items())]


def told_lately(kind: str) -> Callable[[CheckContext], Findings]:
    """What a worker itself told within an hour: after that it is over."""

    def find(context: CheckContext) -> Findings:
        with context.database.read() as session:
            known = [alert for alert in alerts.all_open(session) if alert.kind == kind]
        return [Finding(alert.subject) for alert in known if context.now - alert.last_raised_at < LATELY]

    return find
