"""What the log says of how endpoints do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.domain.breaker import Health
from app.services.delivering.health_log import HealthLog

NOW = datetime(2026, 3, 1, tzinfo=UTC)
FIRST, OTHER = "an endpoint did not take an event", "an endpoint fails for another reason"
HEALTHY, OPEN = "an endpoint is well again", "an endpoint takes no events, and is left alone between tries"


class App:
    """An endpoint whose tries are told one after another."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level("INFO")
        self._log, self.now, self.health, self.health_log = caplog, NOW, Health(), HealthLog()

    def tries(self, *reasons: str | None, after: float = 1, opens: int = 0) -> list[str]:
        """Try once for each reason (None: the event was taken); return what was said meanwhile."""
        self._log.clear()
        for reason in reasons:
            self.now += timedelta(seconds=after)
            health = Health(self.health.failures + 1, opens=opens, failing_since=NOW) if reason else Health()
            self.health_log.log_change("app", self.health, health, reason, self.now)
            self.health = health
        return [record.getMessage() for record in self._log.records]


@pytest.fixture
def endpoint(caplog: pytest.LogCaptureFixture) -> App:
    return App(caplog)


def test_the_first_failure_every_change_and_the_end_are_told_once(
    endpoint: App, caplog: pytest.LogCaptureFixture
) -> None:
    assert endpoint.tries(None, None) == []
    assert endpoint.tries(*["answered 500"] * 50) == [FIRST]
    assert endpoint.tries(*["nobody listens there"] * 50) == [OTHER]
    assert (caplog.records[0].reason, caplog.records[0].before) == (  # type: ignore[attr-defined]
        "nobody listens there", "answered 500",
    )  # fmt: skip
    assert endpoint.tries(*["nobody listens there"] * 5, opens=1) == [OPEN]
    assert endpoint.tries(*["nobody listens there"] * 5, opens=2, after=3600) == []
    assert endpoint.tries(None, None, None) == [HEALTHY]
    assert caplog.records[0].failures == 110  # type: ignore[attr-defined]


def test_an_app_that_takes_some_events_and_not_others_fills_no_log(endpoint: App) -> None:
    assert endpoint.tries(*["answered 500", None] * 100) == [FIRST, HEALTHY]
    assert endpoint.tries(*["answered 500", None] * 200) == [FIRST, HEALTHY]


def test_nor_does_one_that_fails_now_so_and_now_otherwise(endpoint: App) -> None:
    assert endpoint.tries(*["answered 500", "no whole answer in time"] * 100) == [FIRST, OTHER]
    assert len(endpoint.tries(*["answered 500", "no whole answer in time"] * 150)) == 2


def test_a_failure_that_was_not_worth_a_line_is_told_once_it_lasts(endpoint: App) -> None:
    assert endpoint.tries("answered 500", None, "answered 500") == [FIRST, HEALTHY]
    assert endpoint.tries("answered 500", after=400) == [FIRST]
    assert endpoint.tries(None) == [HEALTHY]


def test_the_end_is_told_by_whichever_worker_sees_it(endpoint: App) -> None:
    endpoint.tries("answered 500")
    first, endpoint.health_log = endpoint.health_log, HealthLog()

    assert endpoint.tries(None) == [HEALTHY]
    endpoint.health_log = first
    assert endpoint.tries("answered 500", after=400) == [FIRST]


def test_one_that_begins_anew_is_told_of_anew(endpoint: App) -> None:
    endpoint.tries("answered 500")
    endpoint.health = Health()  # its URL was changed, or somebody switched it on again

    assert endpoint.tries("answered 500", "answered 500", after=400) == [FIRST]
