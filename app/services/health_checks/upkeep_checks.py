"""Checks of the workers' work as a whole: the nightly audit, snapshots, the relay, work that fails or does not move."""

from __future__ import annotations

from datetime import datetime, timedelta

from app import metrics
from app.domain.alerts import Finding
from app.services.health_checks.context import CheckContext, Findings
from app.services.health_checks.context import at as at_text
from app.services.operations import find_standstill
from app.store import upkeep, workers


def books_unbalanced(context: CheckContext) -> Findings:
    """Find that the last nightly audit had problems. Also sets the metric of their number."""
    with context.database.read() as session:
        row = upkeep.find(session, upkeep.BALANCE)
    if row is None or row.place is None or row.at is None:
        return []
    metrics.audit_problems.set(int(row.place))
    return [Finding(details={"problems": int(row.place), "checked": at_text(row.at)})] if row.place != "0" else []


def backup_late(context: CheckContext) -> Findings:
    """Find that no snapshot was written for two periods, though `BACKUP_DIR` asks for them."""
    if not context.config.backup_dir:
        return []
    with context.database.read() as session:
        begun, written = upkeep.find(session, upkeep.SNAPSHOT), upkeep.find(session, upkeep.SNAPSHOT_WRITTEN)
    since = written.at if written else begun.at if begun else None
    if since is None or context.now - since <= timedelta(hours=2 * context.config.backup_every_hours):
        return []
    return [Finding(details={"last_written": at_text(since) if written else "never"})]


RELAY_SILENT_AFTER = timedelta(seconds=15)


def broker_away(context: CheckContext) -> Findings:
    """Find that no process could hand work to the broker lately: its lease is renewed while the broker answers."""
    if not context.config.broker_url:
        return []
    at = upkeep.last_at(context.database, upkeep.RELAY)
    if at is None or context.now - at <= RELAY_SILENT_AFTER:
        return []
    return [Finding(details={"since": at_text(at)})]


WORK_FAILS_AFTER = timedelta(minutes=2)


def work_failing(context: CheckContext) -> Findings:
    """Find kinds of work that have failed at every try for two minutes in a worker that is alive."""
    with context.database.read() as session:
        rows = workers.living(session, context.now)
    failures = [(name, found, row.host) for row in rows for name, found in (row.failing or {}).items()]
    findings: dict[str, Finding] = {}
    for name, found, host in sorted(failures, key=lambda each: each[1]["since"]):
        if context.now - datetime.fromisoformat(found["since"]) >= WORK_FAILS_AFTER:
            findings.setdefault(name, Finding(name, details={**found, "host": host or "?"}))
    return list(findings.values())


def work_stuck(context: CheckContext) -> Findings:
    """Find webhooks and deliveries that no worker moves for minutes, though one is alive."""
    with context.database.read() as session:
        found = find_standstill(session, context.now)
    return [
        Finding(f"{each.kind} {each.subject}".strip(), details={"count": each.count, "since": at_text(each.since)})
        for each in found
    ]
