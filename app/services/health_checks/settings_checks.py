"""What goes wrong between workers: settings that differ, and the settings' endpoint that one of them changed."""

from __future__ import annotations

from datetime import timedelta

from app.domain.alerts import Finding
from app.services.health_checks.context import Findings, Look
from app.services.operations.shared_settings import ENDPOINT_CHANGED, unequal
from app.store import alerts, workers

CHANGED_LATELY = timedelta(hours=1)


def settings_unequal(look: Look) -> Findings:
    """Settings in which workers that are alive differ, each with their machines, the one that counts first."""
    with look.database.read() as session:
        found = unequal(workers.living(session, look.now))
    return [Finding(name, details={"workers": ", ".join(hosts)}) for name, hosts in sorted(found.items())]


def endpoint_changed(look: Look) -> Findings:
    """What was told of the settings' endpoint within an hour: after that it is over."""
    with look.database.read() as session:
        known = [alert for alert in alerts.all_open(session) if alert.kind == ENDPOINT_CHANGED]
    return [Finding(alert.subject) for alert in known if look.now - alert.last_raised_at < CHANGED_LATELY]
