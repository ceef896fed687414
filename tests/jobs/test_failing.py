"""An app that takes nothing is told of: in the log at once, by an alert after two minutes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest

from app.services.health_checks.context import CheckContext
from app.services.health_checks.internal_checks import endpoint_failing
from tests.factories import message_body, text
from tests.jobs.conftest import Harness
from tests.subscriber import answering, subscriber

Receive = Callable[..., None]


def alerted(harness: Harness) -> list[str]:
    """The endpoints of which the alert would be raised now."""
    nothing = cast(Any, None)
    gateway = harness.gateway
    found = endpoint_failing(CheckContext(gateway.config, gateway.database, nothing, nothing, harness.clock()))
    assert found is not None
    return [each.subject for each in found]


def said(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    """What was said of endpoints since the last time."""
    lines = [(each.getMessage(), getattr(each, "reason", "")) for each in caplog.records]
    caplog.clear()
    return [each for each in lines if each[0].startswith("an endpoint")]


def test_one_message_of_one_contact_is_enough(
    harness: Harness, receive: Receive, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    with subscriber(answering(500)) as app:
        harness.endpoint(app.url)
        receive(message_body(text()))
        harness.rounds()
        assert said(caplog) == [("an endpoint did not take an event", "answered 500")]
        harness.pass_by(seconds=30)
        harness.rounds()
        assert len(app.posted) == 2
        assert (said(caplog), alerted(harness)) == ([], [])
        harness.pass_by(seconds=89)
        assert alerted(harness) == []
        harness.pass_by(seconds=2)
        assert alerted(harness) == ["app"]
        app.reply = answering(404)
        harness.pass_by(minutes=10)
        harness.rounds()
        assert said(caplog) == [("an endpoint fails for another reason", "answered 404")]
        app.reply = answering(200)
        harness.pass_by(hours=1)
        harness.rounds()

    assert said(caplog) == [("an endpoint is well again", "")]
    assert (alerted(harness), harness.states()) == ([], ["delivered"])
