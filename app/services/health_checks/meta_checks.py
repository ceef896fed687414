"""Checks of the connection with Meta: tokens, numbers, templates, missing or refused webhooks, the Graph version."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from app.domain.account_news import News, Reading
from app.domain.alerts import Finding
from app.domain.outbound import Priority
from app.graph.versions import expires_on
from app.services.health_checks.context import CheckContext, Findings, at, of_number
from app.services.health_checks.internal_checks import worker_behind
from app.store import alert_facts, traffic

RECENT = timedelta(days=1)
NEWS_REMEMBERED = timedelta(days=90)
"""How far back account webhooks are read."""

VERSION_NOTICE = timedelta(days=90)
"""How long before a Graph version expires the alert is raised."""

RHYTHM, RHYTHM_NEEDS, QUIET_AT_LEAST = timedelta(days=7), 200, timedelta(hours=3)
"""The period whose pauses are compared, how many webhooks it must hold, and the shortest pause that is reported."""

REFUSED_LATELY = timedelta(hours=1)
"""How far back refused signatures are considered."""

SILENT_AFTER, SILENT_SENDS = timedelta(minutes=5), 20
"""The minimum age of sends without a status, and how many of them in a row are reported."""


def token_dead(context: CheckContext) -> Findings:
    """Find numbers whose sends are paused because Meta refused their current token."""
    with context.database.read() as session:
        paces = alert_facts.paces_in_trouble(session)
    return [
        of_number(pace.phone_number_id)
        for pace in paces
        if (number := context.directory.find(pace.phone_number_id)) is not None
        and pace.phone_number_id not in context.directory.unreadable  # the check `encryption_key` reports these
        and pace.paused_for == "auth"
        and pace.token_hash == number.token_hash
    ]


def number_paused(context: CheckContext) -> Findings:
    """Find numbers whose sends fail or wait because Meta stopped them: locked, restricted, unpaid, reported as spam."""
    with context.database.read() as session:
        paces = [pace for pace in alert_facts.paces_in_trouble(session) if pace.bulk_stopped_by is not None]
        if not paces:
            return []
        failing = alert_facts.refusals(session, "stop_num", context.now - RECENT)
        stopped = [
            pace
            for pace in paces
            if pace.phone_number_id in failing or alert_facts.has_waiting(session, pace.phone_number_id, Priority.BULK)
        ]
    return [of_number(pace.phone_number_id, code=pace.bulk_stopped_by) for pace in stopped]


def token_expiring(context: CheckContext) -> Findings:
    """Find tokens that are invalid or expire within a week, by asking Meta once a day."""
    return context.tokens(context.directory, context.now)


_read_fields: set[str] = set()
"""The fields of Meta's account webhooks that some check evaluates."""


def news(reading: Reading, *fields: str) -> Callable[[CheckContext], Findings]:
    """Return a check that evaluates Meta's account webhooks of these fields, of the last 90 days, by `reading`."""
    _read_fields.update(fields)

    def find(context: CheckContext) -> Findings:
        if context.shared.news is None:
            context.shared.news = _read(context)
        told = [each for each in context.shared.news if each.field in fields]
        return reading(told, context.directory, context.now)

    return find


def _read(context: CheckContext) -> list[News]:
    """Read what all checks evaluate, oldest first. Each by itself, they took a third of a round's time."""
    with context.database.read() as session:
        types = sorted(f"account.{field}" for field in _read_fields)
        rows = alert_facts.news(session, types, context.now - NEWS_REMEMBERED)
    return [
        News(type.removeprefix("account."), when, _value(data), waba_id or "") for type, when, data, waba_id in rows
    ]


def _value(data: str) -> dict[str, Any]:
    value = json.loads(data).get("value")
    return value if isinstance(value, dict) else {}


def unknown_number(context: CheckContext) -> Findings:
    """Find numbers that are not configured and received messages within the last day."""
    with context.database.read() as session:
        found = alert_facts.from_unknown_numbers(session, context.now - RECENT)
    return [
        of_number(number, messages=count)
        for number, count in sorted(found.items())
        if context.directory.find(number) is None
    ]


def silence(context: CheckContext) -> Findings:
    """Find numbers without expected webhooks. Returns None while the worker is behind.

    Either the last 20 sends older than five minutes have no status, or no webhook has come for 1.5 times the longest
    pause of a week with messages, and at least three hours.
    """
    if worker_behind(context):
        return None
    with context.database.read() as session:
        unreported = alert_facts.unreported(session, context.now - RECENT, context.now - SILENT_AFTER, SILENT_SENDS)
        heard = traffic.hours_heard(session, context.now - RHYTHM)
    since_by_number = {number: _quiet_since(hours, context.now) for number, hours in heard.items()}
    quiet = {number: since for number, since in since_by_number.items() if since is not None}
    found = {number: {"nothing_since": at(since)} for number, since in quiet.items() if context.directory.find(number)}
    found |= {number: {"no_report_since": at(since)} for number, since in unreported.items()}
    return [of_number(number, **details) for number, details in sorted(found.items())]


def _quiet_since(hours: list[tuple[datetime, int]], now: datetime) -> datetime | None:
    """Return since when a number has been unusually quiet, else None; None also with too little data.

    `hours` are the starts of hours with webhooks, and their counts.
    """
    if sum(times for _, times in hours) < RHYTHM_NEEDS or now - hours[0][0] < 0.8 * RHYTHM:
        return None
    starts = [start for start, _ in hours]
    longest = max((after - before for before, after in pairwise(starts)), default=timedelta())
    since = starts[-1] + timedelta(hours=1)
    return since if now - since > max(1.5 * longest, QUIET_AT_LEAST) else None


def signature_refused(context: CheckContext) -> Findings:
    """Find numbers that for over a minute have got only webhooks with a signature by none of our secrets."""
    since = context.now - REFUSED_LATELY
    found = []
    with context.database.read() as session:
        for number, minutes in sorted(traffic.refused(session, since).items()):
            heard = traffic.last_heard(session, number, since)
            alone = [(minute, times) for minute, times in minutes if heard is None or minute > heard]
            first, last = (alone[0][0], alone[-1][0]) if alone else (context.now, context.now)
            if last > first and context.now >= first + timedelta(minutes=2) and context.directory.find(number):
                count = sum(times for _, times in alone)
                found.append(of_number(number, refused=count, since=at(first)))
    return found


def graph_version(context: CheckContext) -> Findings:
    """Find a configured version of the Graph API that expires within 90 days or has expired."""
    version = context.config.graph_api_version
    ends = expires_on(version)
    if ends is None or context.now + VERSION_NOTICE < datetime(ends.year, ends.month, ends.day, tzinfo=UTC):
        return []
    return [Finding(version, details={"expires": ends.isoformat()})]
