"""Checks of files: are those that customers send fetched before Meta deletes them?"""

from __future__ import annotations

from datetime import timedelta

from app.domain.alerts import Finding
from app.domain.media import MediaState
from app.services.health_checks.context import CheckContext, Findings
from app.store import media

WAITING, MOST_WAITING = timedelta(minutes=10), 10
"""Files that came this long ago and are still to be fetched are a sign of trouble if they are so many."""

LATELY, MOST_LOST = timedelta(days=8), 5
"""So many files of a week that could not be had are a sign of trouble; a single one may be Meta's. A file is given up
when Meta deletes it, a week after it came."""


def media_failing(context: CheckContext) -> Findings:
    """Find whether many files wait for long, or were lost lately. Does not count where files are not kept."""
    if not context.config.keeps_media:
        return []
    states = [MediaState.GONE, MediaState.REFUSED]
    with context.database.read() as session:
        waiting = media.count_waiting(session, context.now - WAITING)
        lost = media.count_since(session, states, context.now - LATELY)
    if waiting < MOST_WAITING and sum(lost.values()) < MOST_LOST:
        return []
    return [Finding(details={"waiting": waiting, **lost})]
