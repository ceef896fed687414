from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from app import metrics
from app.db.database import Database
from app.jobs import deliver
from app.security.standard_webhooks import new_secret
from app.services.delivering.replay import retry_all
from app.services.operations import FailingWork
from app.services.operations.shared_settings import SharedSettings
from app.services.registries.endpoints import EndpointDirectory
from app.services.registries.versions import Registry
from app.store import contacts
from tests.conftest import with_settings
from tests.factories import ANA, BO, OTHER_PNID, message_body, status, status_body, text
from tests.jobs.conftest import SECRET, Harness
from tests.subscriber import App, Handler, Posted, answering, subscriber

Receive = Callable[..., None]


def test_an_event_reaches_the_app_signed_and_as_the_api_shows_it(
    harness: Harness, receive: Receive, get: Callable[..., Any]
) -> None:
    with subscriber() as app:
        harness.endpoint(app.url)
        receive(message_body(text("¡Hola!")))
        harness.rounds()

    posted = app.posted[0]
    body = Webhook(SECRET).verify(posted.body.decode(), posted.headers)
    assert body == get("/api/events")["data"][0]
    assert posted.id == body["id"]
    assert body["data"]["message"] == "¡Hola!"
    assert "x-gateway-replay" not in posted.headers
    assert harness.states() == ["delivered"]
    assert [(row.number, row.status, row.answer) for row in harness.attempts()] == [(1, 200, "{}")]


def test_a_result_that_cannot_be_counted_is_recorded_once(
    harness: Harness, receive: Receive, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("app.services.delivering.count_results.endpoint_label", fail)
    with subscriber() as app:
        harness.endpoint(app.url)
        receive(message_body(text()))
        harness.rounds()

    assert (harness.states(), len(harness.attempts()), len(app.posted)) == (["delivered"], 1, 1)
    told = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert told == ["results are recorded, and could not be counted"]


def test_how_long_the_app_took_is_counted(harness: Harness, receive: Receive, caplog: pytest.LogCaptureFixture) -> None:
    before = [_of_all(each) for each in DURATIONS]
    with subscriber() as app:
        harness.endpoint(app.url)
        receive(message_body(text(sender=ANA)), message_body(text(sender=BO)))
        harness.rounds()

    assert [_of_all(each) for each in DURATIONS] == [count + 2 for count in before]
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


DURATIONS = (metrics.delivery_seconds, metrics.delivery_lag_seconds, metrics.endpoint_seconds)


def _of_all(metric: Any) -> float:
    """How many durations a metric holds, whatever their labels."""
    return sum(
        each.value for family in metric.collect() for each in family.samples
        if each.name.endswith("_count")
    )  # fmt: skip


def test_without_endpoints_nothing_is_owed(harness: Harness, receive: Receive) -> None:
    receive(message_body(text()))

    assert harness.deliveries() == []


def test_an_app_that_is_down_gets_all_events_later_with_equal_ids_and_bytes(harness: Harness, receive: Receive) -> None:
    with subscriber(answering(503)) as app:
        harness.endpoint(app.url)
        receive(message_body(text(sender=ANA)), message_body(text(sender=BO)))
        harness.rounds()
        first = list(app.posted)
        app.reply = answering(200)
        harness.pass_by(seconds=7)
        harness.rounds()

    assert harness.states() == ["delivered", "delivered"]
    assert sorted(each.id for each in first) == sorted(each.id for each in app.posted[2:])
    assert {each.body for each in first} == {each.body for each in app.posted[2:]}
    timestamps = {each.headers["webhook-timestamp"] for each in app.posted}
    assert len(timestamps) == 2


def test_it_tries_for_three_days_and_then_the_delivery_is_dead(
    harness: Harness, receive: Receive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.services.delivering.record_results.PROBES_IN_AGE", 1)
    with subscriber(answering(500)) as app:
        harness.endpoint(app.url)
        receive(message_body(text()))
        began = harness.clock()
        while harness.states() == ["pending"]:
            harness.rounds()
            due = max(row.due_at or harness.clock() for row in harness.deliveries())
            harness.clock.now = max(due, harness.row().open_until or due)
            harness.directory.forget()
        took = harness.clock() - began

    assert 13 <= len(app.posted) < 60
    assert len(set(app.ids)) == 1
    assert timedelta(hours=72) <= took < timedelta(hours=100)
    assert [row.number for row in harness.attempts()] == list(range(1, len(app.posted) + 1))
    assert [(row.state, row.reason) for row in harness.deliveries()] == [("dead", "answered 500")]


def test_a_contacts_events_come_in_order_and_one_that_fails_holds_back_its_own_contact_alone(
    harness: Harness, receive: Receive
) -> None:
    def reply(handler: Handler, posted: Posted) -> None:
        message = json.loads(posted.body)["data"]["message"]
        time.sleep(0.02 if message.endswith("1") else 0)
        handler.answer(500 if message == "ana 0" and not well.is_set() else 200)

    well = threading.Event()
    with subscriber(reply) as app:
        harness.endpoint(app.url)
        for number in range(5):
            receive(message_body(text(f"ana {number}", sender=ANA), text(f"bo {number}", sender=BO)))
        harness.rounds()
        before = [json.loads(posted.body)["data"]["message"] for posted in app.posted]
        well.set()
        harness.pass_by(seconds=7)
        harness.rounds()
        after = [json.loads(posted.body)["data"]["message"] for posted in app.posted[len(before):]]

    assert sorted(before[:2]) == ["ana 0", "bo 0"]  # side by side
    assert before[2:] == ["bo 1", "bo 2", "bo 3", "bo 4"]
    assert after == [f"ana {number}" for number in range(5)]


def test_one_that_keeps_failing_holds_its_contact_back_for_four_tries_and_no_longer(
    harness: Harness, receive: Receive
) -> None:
    def reply(handler: Handler, posted: Posted) -> None:
        handler.answer(500 if json.loads(posted.body)["data"]["message"] == "poison" else 200)

    with subscriber(reply) as app:
        harness.endpoint(app.url)
        receive(message_body(text("poison"), text("next")))
        for _ in range(3):
            harness.rounds()
            assert len(harness.attempts()) == len(app.posted)
            harness.clock.now = harness.deliveries()[0].due_at or harness.clock()
            harness.directory.forget()
        assert "delivered" not in harness.states()
        harness.rounds()

    assert harness.states() == ["pending", "delivered"]


def test_a_contacts_next_event_goes_as_soon_as_the_one_before_it_has_come(
    harness: Harness, receive: Receive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not at the next look: along a contact's messages such pauses would add up."""
    with subscriber() as app:
        harness.endpoint(app.url)
        receive(message_body(*(text() for _ in range(3))))
        harness.rounds(lambda: bool(harness.deliver.in_flight.claims()), 30)
        monkeypatch.setattr(deliver, "POLL_SECONDS", 30.0)
        started = time.monotonic()
        harness.rounds(lambda: harness.states() == ["delivered"] * 3, 120)

    assert time.monotonic() - started < 30


def test_an_endpoint_may_do_without_order(harness: Harness, receive: Receive) -> None:
    both = threading.Barrier(2, timeout=5)

    def reply(handler: Handler, _: Posted) -> None:
        both.wait()
        handler.answer()

    with subscriber(reply) as app:
        harness.endpoint(app.url, ordered=False)
        receive(message_body(text("one"), text("two")))
        harness.rounds()

    assert len(app.posted) == 2


def test_a_slow_app_takes_no_more_than_its_share_and_the_others_get_theirs(harness: Harness, receive: Receive) -> None:
    go = threading.Event()
    under_way = []

    def slow(handler: Handler, posted: Posted) -> None:
        under_way.append(posted)
        go.wait(10)
        handler.answer()

    with subscriber(slow) as slow_app, subscriber() as quick_app:
        harness.endpoint(slow_app.url, "slow", ordered=False)
        harness.endpoint(quick_app.url, "quick", ordered=False)
        receive(message_body(*(text() for _ in range(60))))
        harness.rounds(lambda: len(quick_app.posted) == 60)
        assert len(under_way) == 4
        go.set()
        harness.rounds()

    assert set(harness.states()) == {"delivered"}
    assert len(set(slow_app.ids)) == 60


def test_410_disables_and_the_backlog_is_kept(harness: Harness, receive: Receive) -> None:
    with subscriber(answering(410)) as app:
        harness.endpoint(app.url)
        receive(message_body(text()))
        harness.rounds()
        receive(message_body(text()))
        harness.pass_by(days=1)
        harness.rounds()

    assert len(app.posted) == 1
    assert harness.states() == ["pending", "pending"]
    assert harness.row().disabled_reason == "it answered 410 Gone"


def test_redirects_are_not_followed(harness: Harness, receive: Receive) -> None:
    with subscriber() as other, subscriber(answering(302, Location=other.url)) as app:
        harness.endpoint(app.url)
        receive(message_body(text()))
        harness.rounds()

    assert (len(app.posted), len(other.posted)) == (1, 0)
    assert [(row.status, row.error) for row in harness.attempts()] == [(302, None)]
    assert harness.states() == ["pending"]


@pytest.mark.parametrize(
    ("wish", "least", "most"), [("60", 60, 61), ("1", 4, 6), ("999999", 3600, 3601), ("soon", 4, 6), ("-1", 4, 6)]
)
def test_retry_after_is_honoured_within_bounds(
    harness: Harness, receive: Receive, wish: str, least: int, most: int
) -> None:
    with subscriber(answering(429, Retry_After=wish)) as app:
        harness.endpoint(app.url)
        receive(message_body(text()))
        harness.rounds()

    due_at = harness.deliveries()[0].due_at
    assert due_at is not None
    assert timedelta(seconds=least) <= due_at - harness.clock() <= timedelta(seconds=most)


def test_the_breaker_opens_after_five_silences_and_lets_one_through_to_see(harness: Harness, receive: Receive) -> None:
    with subscriber(silent) as app:
        harness.endpoint(app.url, max_in_flight=1)
        receive(*(message_body(text(sender=f"54911{number:08}")) for number in range(9)))
        harness.rounds()
        assert len(app.posted) == 5
        pauses = []
        for _ in range(6):
            harness.clock.now = harness.row().open_until or harness.clock()
            harness.directory.forget()
            harness.rounds()
            pauses.append(((harness.row().open_until or harness.clock()) - harness.clock()).total_seconds())
        assert len(app.posted) == 11
        app.reply = answering(200)
        harness.pass_by(seconds=61)
        harness.rounds(lambda: set(harness.states()) == {"delivered"})  # also what was to be tried later

    assert pauses == [10, 20, 40, 60, 60, 60]
    assert set(harness.states()) == {"delivered"}
    assert (harness.row().failures, harness.row().open_until, harness.row().failing_since) == (0, None, None)


def silent(handler: Handler, _: Posted) -> None:
    """Take a request and answer nothing."""
    handler.close_connection = True


def said(app: App) -> list[str]:
    """The messages that were posted."""
    return [json.loads(posted.body)["data"].get("message", "") for posted in app.posted]


def test_what_waits_is_due_in_order_as_soon_as_another_delivery_shows_that_the_app_is_back(
    harness: Harness, receive: Receive
) -> None:
    with subscriber(silent) as app:
        harness.endpoint(app.url)
        receive(message_body(text("ana 1", sender=ANA), text("ana 2", sender=ANA)))
        for seconds in (6, 18):
            harness.rounds()
            harness.pass_by(seconds=seconds)
        harness.rounds()
        assert said(app) == ["ana 1"] * 3  # it is not due for half a minute
        app.reply = answering(200)
        receive(message_body(text("bo", sender=BO)))
        harness.rounds(lambda: harness.states() == ["delivered"] * 3)

    assert said(app)[3:] == ["bo", "ana 1", "ana 2"]


@pytest.mark.parametrize("change", ["url", "secret", "by hand"])
def test_what_waits_is_due_at_once_when_its_url_or_secret_changes_or_somebody_says_so(
    harness: Harness, receive: Receive, change: str
) -> None:
    with subscriber(answering(401)) as app, subscriber() as other:
        harness.endpoint(app.url)
        receive(message_body(text()))
        harness.rounds()
        if change == "url":
            harness.gateway.manage_endpoints._check_url = lambda url: None  # type: ignore[method-assign]
            harness.gateway.manage_endpoints.change("app", {"url": other.url})
        elif change == "secret":
            app.reply = answering(200)
            harness.gateway.manage_endpoints.rotate_secret("app", None)
        else:
            app.reply = answering(200)
            assert retry_all(harness.gateway.database, app.url, harness.clock) == (1, 0)
        harness.directory.forget()
        harness.rounds(lambda: harness.states() == ["delivered"])

    assert len(app.posted) + len(other.posted) == 2


def test_an_event_that_is_refused_holds_its_contact_for_two_tries_and_no_one_else_and_opens_no_breaker(
    harness: Harness, receive: Receive
) -> None:
    def reply(handler: Handler, posted: Posted) -> None:
        handler.answer(400 if b"poison" in posted.body else 200)

    with subscriber(reply) as app:
        harness.endpoint(app.url)
        receive(*(message_body(text("poison", sender=f"54911{number:08}")) for number in range(30)))
        receive(message_body(text("ana's poison", sender=ANA), text("ana", sender=ANA), text("bo", sender=BO)))
        harness.rounds()
        assert (harness.row().open_until, harness.row().silences) == (None, 0)
        assert "bo" in said(app) and "ana" not in said(app)
        harness.pass_by(seconds=7)
        harness.rounds()

    assert "ana" in said(app)
    assert harness.row().open_until is None
    assert sorted(set(harness.states())) == ["delivered", "pending"]


def test_failed_statuses_that_an_app_does_not_take_keep_no_customer_waiting(harness: Harness, receive: Receive) -> None:
    def reply(handler: Handler, posted: Posted) -> None:
        handler.answer(400 if b"message.status" in posted.body else 200)

    with subscriber(reply) as app:
        harness.endpoint(app.url)
        for number in range(30):  # two a second; whoever writes is answered in the same half second
            receive(status_body(status(f"wamid.{number}", "failed", to=ANA)))
            receive(message_body(text(f"{number}", sender=ANA)))
            harness.rounds(lambda: f"{number}" in said(app))  # noqa: B023
            harness.pass_by(seconds=0.5)

    assert [each for each in said(app) if each] == [f"{number}" for number in range(30)]
    assert (harness.row().open_until, harness.row().silences) == (None, 0)


def test_after_five_days_of_nothing_but_failure_it_is_disabled_and_comes_back_with_its_backlog(
    harness: Harness, receive: Receive
) -> None:
    with subscriber(answering(500)) as app:
        harness.endpoint(app.url)
        receive(*(message_body(text(sender=f"54911{number:08}")) for number in range(20)))
        for _ in range(40):
            harness.rounds()
            harness.pass_by(hours=4)
        assert harness.row().disabled_reason == "nothing but failure for 5 days"
        posted = len(app.posted)
        harness.pass_by(days=30)
        harness.rounds()
        assert len(app.posted) == posted

    assert {"pending"} <= set(harness.states())


def test_what_is_too_old_is_marked_and_not_sent(harness: Harness, receive: Receive) -> None:
    with subscriber() as app:
        harness.endpoint(app.url, max_age_seconds=60)
        receive(message_body(text("old")), message_body(text("new", timestamp=int(harness.clock().timestamp()))))
        harness.rounds()

    assert [json.loads(posted.body)["data"]["message"] for posted in app.posted] == ["new"]
    assert harness.states() == ["stale", "delivered"]


def test_an_endpoint_gets_what_it_asked_for(harness: Harness, receive: Receive) -> None:
    with subscriber() as app:
        harness.endpoint(app.url, "messages", types=["message.received"])
        harness.endpoint(app.url, "failures", types=["message.*"], statuses=["failed"])
        harness.endpoint(app.url, "other", numbers=[OTHER_PNID])
        receive(
            message_body(text(id="wamid.1")), status_body(status("wamid.X", "sent")),
            status_body(status("wamid.X", "failed")), message_body(text(), number=OTHER_PNID),
        )  # fmt: skip

    owed = [row.endpoint_id for row in harness.deliveries()]
    assert [owed.count(id) for id in ("messages", "failures", "other")] == [2, 3, 1]


def test_a_paused_endpoint_is_owed_and_gets_it_afterwards(harness: Harness, receive: Receive) -> None:
    with subscriber() as app:
        harness.endpoint(app.url, paused=True)
        receive(message_body(text()))
        harness.rounds()
        assert (app.posted, harness.states()) == ([], ["pending"])


def test_a_limit_of_requests_per_second_holds(harness: Harness, receive: Receive) -> None:
    times = []

    def reply(handler: Handler, _: Posted) -> None:
        times.append(time.monotonic())
        handler.answer()

    with subscriber(reply) as app:
        harness.endpoint(app.url, max_per_second=20, ordered=False)
        receive(message_body(*(text() for _ in range(20))))
        harness.rounds()

    assert len(app.posted) == 20
    assert times[-1] - times[0] > 0.5


def test_two_workers_never_have_the_same_delivery(harness: Harness, receive: Receive) -> None:
    other = harness.new_worker(8)
    with subscriber() as app:
        harness.endpoint(app.url)
        receive(*(message_body(*(text(sender=f"54911{number:08}") for number in range(30))) for _ in range(4)))
        thread = threading.Thread(target=lambda: [other() for _ in range(30)])
        thread.start()
        harness.rounds()
        thread.join()
        other.close()
        harness.rounds()  # what the other had claimed and not yet begun, it gave back

    assert len(app.posted) == 120
    assert len(set(app.ids)) == 120


def test_a_worker_that_was_killed_loses_nothing(harness: Harness, receive: Receive) -> None:
    with subscriber() as app:
        harness.endpoint(app.url)
        receive(message_body(text()))
        harness.pass_by(seconds=1)
        harness.deliver._add = lambda claimed, at: None  # type: ignore[method-assign]  # killed after the claim
        harness.deliver()
        harness.deliver = harness.new_worker(8)
        harness.rounds()
        assert app.posted == []
        harness.pass_by(seconds=46)
        harness.rounds()

    assert len(app.posted) == 1
    assert harness.states() == ["delivered"]


def follow(harness: Harness, *, as_worker: bool = False, **changes: Any) -> None:
    """Start the worker anew with other settings; with `as_worker` it also tells of what it changed."""
    settings, database = with_settings(harness.gateway.config, **changes), harness.gateway.database
    directory = EndpointDirectory(settings, database, harness.gateway.encryptor, Registry(database), harness.clock)
    if as_worker:
        worker = SharedSettings(
            settings, database, directory, harness.gateway.alerts, harness.clock, FailingWork(harness.clock)
        )
        worker.beat("host")
        worker.leave()
    else:
        directory.follow_settings(lambda session, what: None)
    harness.directory.forget()
    harness.gateway.endpoints.forget()


@pytest.mark.parametrize(("changed", "is_woken"), [("url", True), ("secret", True), ("replies", False)])
def test_what_waits_is_tried_at_once_when_the_settings_name_another_app_or_secret(
    harness: Harness, receive: Receive, changed: str, is_woken: bool
) -> None:
    """An app that refused, or was silent, because of a wrong setting is not waited for when the setting is right."""
    before = {"forward_secret": new_secret()}
    with subscriber(answering(401)) as app, subscriber() as other:
        before["forward_url"] = app.url
        follow(harness, as_worker=True, **before)
        receive(message_body(text()), message_body(text(sender=BO)))
        harness.rounds()
        assert (harness.states(), len(app.posted)) == (["pending"] * 2, 2)
        app.reply = answering(200)
        changes = {"url": {"forward_url": other.url}, "secret": {"forward_secret": new_secret()}}
        follow(harness, as_worker=True, **before | changes.get(changed, {"forward_replies": True}))
        harness.rounds()

    messages = [sum(b"message.received" in posted.body for posted in each.posted) for each in (app, other)]
    assert harness.states()[:2] == ["delivered" if is_woken else "pending"] * 2  # what follows tells of the change
    assert messages == {"url": [2, 2], "secret": [4, 0], "replies": [2, 0]}[changed]


def test_the_settings_make_an_endpoint_change_it_and_take_it_away(harness: Harness, receive: Receive) -> None:
    secrets = [new_secret(), new_secret()]
    with subscriber() as app:
        follow(harness, forward_url=app.url, forward_secret=secrets[0])
        follow(harness, forward_url=app.url, forward_secret=secrets[1])
        receive(message_body(text()))
        harness.rounds()
        for secret in secrets:
            Webhook(secret).verify(app.posted[0].body.decode(), app.posted[0].headers)
        harness.pass_by(hours=25)
        receive(message_body(text()))
        harness.rounds()
        assert " " not in app.posted[1].headers["webhook-signature"]
        follow(harness)
        receive(message_body(text()))
        harness.rounds()

    assert len(app.posted) == 2
    assert harness.row("settings").removed_at is not None


def test_what_a_contact_is_owed_follows_when_it_turns_out_to_be_another(
    harness: Harness, receive: Receive, database: Database
) -> None:
    """Two contacts become one: their events must not overtake each other under different names."""
    with subscriber() as app:
        harness.endpoint(app.url, paused=True)
        receive(message_body(text(sender=ANA)), message_body(text(sender=BO)))
        first, second = (row.contact_id for row in harness.deliveries())
        assert first is not None and second is not None
        with database.write() as session:
            contacts.merge(session, second, first)

    assert [row.contact_id for row in harness.deliveries()] == [first, first]
