"""Running the checks: what they find is raised, what they no longer find is closed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from app.config.settings import Config
from app.db.database import Database
from app.domain.alerts import Finding
from app.errors import Unavailable
from app.graph.client import GraphClient
from app.logs import get_logger
from app.models import Alert
from app.services.alerts.raising import Alarms
from app.services.health_checks.catalogue import CHECKS
from app.services.health_checks.context import Check, Look
from app.services.health_checks.tokens import WatchTokens
from app.services.registries import NumberDirectory
from app.store import alerts

CALM = timedelta(seconds=60)
"""How long something must not have been found before it is over, so that what comes and goes is told once."""

logger = get_logger(__name__)


class Watch:
    """Runs each check when it is time. For one lane of a worker; several workers may watch at once."""

    def __init__(
        self,
        config: Config,
        database: Database,
        directory: NumberDirectory,
        graph: GraphClient,
        alarms: Alarms,
        now: Callable[[], datetime],
        checks: Sequence[Check] = CHECKS,
    ) -> None:
        self._config = config
        self._database = database
        self._directory = directory
        self._alarms = alarms
        self._now = now
        self._checks = checks
        self._tokens = WatchTokens(graph)
        self._looked_at: dict[str, datetime] = {}
        self._calm_since: dict[tuple[str, str], datetime] = {}

    def __call__(self) -> None:
        """Run what is due. A check that breaks is logged, and the others run. Raises `Unavailable`."""
        due = [check for check in self._checks if self._is_due(check)]
        if not due:
            return
        look = Look(self._config, self._database, self._directory.current, self._tokens, self._now())
        with self._database.read() as session:
            known = alerts.all_open(session)
        for check in due:
            self._looked_at[check.kind] = look.now
            try:
                found = check.find(look)
            except Unavailable:
                raise
            except Exception:
                logger.exception("a check failed", extra={"kind": check.kind})
                continue
            if found is not None:
                self._settle(check.kind, found, {each.subject: each for each in known if each.kind == check.kind})

    def _is_due(self, check: Check) -> bool:
        looked_at = self._looked_at.get(check.kind)
        return looked_at is None or self._now() - looked_at >= timedelta(seconds=check.every_seconds)

    def _settle(self, kind: str, found: list[Finding], known: dict[str, Alert]) -> None:
        for finding in found:
            self._calm_since.pop((kind, finding.subject), None)
            alert = known.pop(finding.subject, None)
            if not finding.known:
                continue
            if alert is None or self._alarms.is_due_again(alert):
                with self._database.write() as session:
                    self._alarms.raise_in(session, kind, finding)
        for subject in known:
            since = self._calm_since.setdefault((kind, subject), self._now())
            if self._now() - since >= CALM:
                del self._calm_since[(kind, subject)]
                self._alarms.close(kind, subject)
