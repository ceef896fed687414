"""Checks between processes: settings that differ, a change of the settings' endpoint, a refused worker."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from app.domain.alerts import Finding
from app.services.health_checks.context import CheckContext, Findings
from app.services.operations import unequal
from app.store import alerts, workers

LATELY = timedelta(hours=1)


def settings_unequal(context: CheckContext) -> Findings:
    """Find settings that differ between living processes, with their host names, those of workers first."""
    with context.database.read() as session:
        found = unequal([*workers.living(session, context.now), *workers.living_web(session, context.now)])
    return [Finding(name, details={"workers": ", ".join(hosts)}) for name, hosts in sorted(found.items())]


def told_lately(kind: str) -> Callable[[CheckContext], Findings]:
    """Return a check that keeps an alert of this kind open for an hour after a worker last raised it."""

    def find(context: CheckContext) -> Findings:
        with context.database.read() as session:
            known = [alert for alert in alerts.all_open(session) if alert.kind == kind]
        return [Finding(alert.subject) for alert in known if context.now - alert.last_raised_at < LATELY]

    return find
