"""What goes wrong between processes: settings that differ, the settings' endpoint changed, a worker refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from app.domain.alerts import Finding
from app.services.health_checks.context import Findings, Look
from app.services.operations.shared_settings import unequal
from app.store import alerts, workers

LATELY = timedelta(hours=1)


def settings_unequal(look: Look) -> Findings:
    """Settings in which processes that are alive differ, each with their machines: workers, which count, come first."""
    with look.database.read() as session:
        found = unequal([*workers.living(session, look.now), *workers.living_web(session, look.now)])
    return [Finding(name, details={"workers": ", ".join(hosts)}) for name, hosts in sorted(found.items())]


def told_lately(kind: str) -> Callable[[Look], Findings]:
    """What a worker itself told within an hour: after that it is over."""

    def find(look: Look) -> Findings:
        with look.database.read() as session:
            known = [alert for alert in alerts.all_open(session) if alert.kind == kind]
        return [Finding(alert.subject) for alert in known if look.now - alert.last_raised_at < LATELY]

    return find
