"""Run the health checks: raise alerts for what they find, and close alerts for what they no longer find."""

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
from app.services.alerts import Alerts
from app.services.health_checks.catalogue import CHECKS
from app.services.health_checks.context import Check, CheckContext
from app.services.health_checks.tokens import TokenChecks
from app.services.registries import NumberDirectory
from app.store import alerts

RESOLVE_AFTER = timedelta(seconds=60)
"""How long a finding must be gone before its alert closes, so that one which comes and goes notifies once."""

logger = get_logger(__name__)


class RunHealthChecks:
    """Runs each check at its interval. Used by one loop of a worker; several workers may run checks at once."""

    def __init__(
        self,
        config: Config,
        database: Database,
        directory: NumberDirectory,
        graph: GraphClient,
        alerts: Alerts,
        now: Callable[[], datetime],
        checks: Sequence[Check] = CHECKS,
    ) -> None:
        self._config = config
        self._database = database
        self._directory = directory
        self._alerts = alerts
        self._now = now
        self._checks = checks
        self._tokens = TokenChecks(graph)
        self._last_run_at: dict[str, datetime] = {}
        self._gone_since: dict[tuple[str, str], datetime] = {}

    def __call__(self) -> None:
        """Run the checks that are due. One that raises is logged, and the others run. Raises `Unavailable`."""
        due = [check for check in self._checks if self._is_due(check)]
        if not due:
            return
        context = CheckContext(self._config, self._database, self._directory.current, self._tokens, self._now())
        with self._database.read() as session:
            known = alerts.all_open(session)
        for check in due:
            self._last_run_at[check.kind] = context.now
            try:
                found = check.find(context)
            except Unavailable:
                raise
            except Exception:
                logger.exception("a check failed", extra={"kind": check.kind})
                continue
            if found is not None:
                self._apply(check.kind, found, {each.subject: each for each in known if each.kind == check.kind})

    def _is_due(self, check: Check) -> bool:
        last_run_at = self._last_run_at.get(check.kind)
        return last_run_at is None or self._now() - last_run_at >= timedelta(seconds=check.every_seconds)

    def _apply(self, kind: str, found: list[Finding], known: dict[str, Alert]) -> None:
        for finding in found:
            self._gone_since.pop((kind, finding.subject), None)
            alert = known.pop(finding.subject, None)
            if not finding.known:
                continue
            if alert is None or self._alerts.is_repeat_due(alert):
                with self._database.write() as session:
                    self._alerts.raise_in(session, kind, finding)
        for subject in known:
            since = self._gone_since.setdefault((kind, subject), self._now())
            if self._now() - since >= RESOLVE_AFTER:
                del self._gone_since[(kind, subject)]
                self._alerts.close(kind, subject)
