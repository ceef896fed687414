"""What a worker has seen of each endpoint lately, to tell an answer about one event from one about the app."""

from __future__ import annotations

from datetime import datetime, timedelta

from app.domain.verdicts import Verdict, judge
from app.services.delivering.types import Tried

LATELY = timedelta(seconds=5)
"""For how long after it took an event an app's 5xx is taken to be about another event, and not about itself."""


class Pulse:
    """Remembers, by endpoint, when it last took an event. In memory: a worker that starts anew knows nothing yet."""

    def __init__(self) -> None:
        self._taken: dict[str, tuple[datetime, datetime]] = {}

    def note(self, tried: Tried, now: datetime) -> None:
        """See whether an event was taken."""
        if tried.answer is not None and tried.answer.is_success:
            posted_at, _ = self._taken.get(tried.work.endpoint.id, (tried.started_at, now))
            self._taken[tried.work.endpoint.id] = max(posted_at, tried.started_at), now

    def judge(self, tried: Tried, now: datetime) -> Verdict:
        """What this try showed, after all that are written with it were noted."""
        answer = tried.answer
        assert answer is not None
        posted_at, taken_at = self._taken.get(tried.work.endpoint.id, (None, None))
        is_handler = tried.work.endpoint.is_handler
        return judge(
            # A handler that raised says as much as an app that answers 500.
            500 if is_handler and answer.error is not None else answer.status,
            is_whole=is_handler or answer.error is None,
            was_reached=answer.was_reached,
            took_others=posted_at is not None and posted_at > tried.started_at,
            took_lately=taken_at is not None and now - taken_at <= LATELY,
        )
