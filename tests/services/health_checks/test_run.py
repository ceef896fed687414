"""Each rule as a story: what must happen before a person is told, and when it is over."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import responses
from flask.testing import FlaskClient
from responses import matchers
from sqlalchemy import delete, event, insert, select, update

from app import metrics
from app.config.settings import Config
from app.container import Gateway
from app.db.database import Database
from app.domain.alerts import KINDS
from app.graph.client import GraphClient
from app.ids import new_id
from app.models import (
    Alert,
    Delivery,
    Endpoint,
    Event,
    Job,
    Media,
    Message,
    Notification,
    NumberLimit,
    QueuedSend,
    SendAttempt,
)
from app.models.base import table
from app.security.encryption import Encryptor
from app.services.alerts.raising import Alerts
from app.services.graph_proxy.certificate import make_certificate
from app.services.health_checks import internal_checks
from app.services.health_checks.catalogue import CHECKS
from app.services.health_checks.context import Check, CheckContext
from app.services.health_checks.run import RunHealthChecks
from app.services.health_checks.tokens import TokenChecks
from app.services.numbers.save import remove_number, save_number
from app.services.registries.numbers import NumberDirectory
from app.services.registries.versions import Registry
from app.services.webhooks.bad_signatures import NoteBadSignatures
from app.store import traffic, upkeep, workers
from tests.conftest import ACCESS_TOKEN, API_KEY, Clock, on_sqlite, one_case_on_postgresql, with_settings
from tests.factories import ANA, OTHER_PNID, PNID, WABA, message_body, notification, text, to_bytes

pytestmark = one_case_on_postgresql

Receive = Callable[..., None]
OF_ACCOUNT = f" (account {WABA})"
DEBUG_TOKEN = "https://graph.example/v26.0/debug_token"


class Told(NamedTuple):
    action: str
    kind: str
    subject: str


class Story:
    """A gateway that is watched while time goes by."""

    def __init__(self, gateway: Gateway, clock: Clock) -> None:
        self.gateway, self.clock, self.database = gateway, clock, gateway.database
        self._told = 0
        self.use(gateway.config)

    def use(self, config: Config) -> None:
        directory = NumberDirectory(config, self.database, self.gateway.encryptor, Registry(self.database))
        alerts = Alerts(self.database, (), self.clock)
        graph = GraphClient(config.graph_api_url, config.graph_api_version, service_version="0")
        checks = [check for check in CHECKS if check.kind != "token_expiring"]
        self.run_health_checks = RunHealthChecks(config, self.database, directory, graph, alerts, self.clock, checks)

    def after(self, **time: float) -> list[Told]:
        """Let time go by, looking twice, a minute apart; what was told then, but for disks.

        At the second look what was gone at the first has been gone for long enough to close an alert.
        """
        self.clock.pass_by(**time)
        for _ in range(2):
            self.run_health_checks()
            self.clock.pass_by(minutes=1)
        with self.database.read() as session:
            rows = session.scalars(select(Event).where(Event.type == "gateway.alert").order_by(Event.sequence)).all()
        fresh = [json.loads(row.data) for row in rows[self._told :]]
        self._told = len(rows)
        found = [Told(each["action"], each["alert"]["kind"], each["alert"]["subject"]) for each in fresh]
        return [each for each in found if each.kind != "disk_full"]

    def try_to_send(self, state: str, *, count: int = 1, number: str = PNID, error: Any = None) -> list[str]:
        """Messages of a number, each with one try that ended like this."""
        ids = []
        status = {"refused": "failed", "accepted": "accepted"}[state]
        with self.database.write() as session:
            for _ in range(count):
                self.clock.pass_by(milliseconds=1)
                message_id = f"m{self.clock.now.timestamp()}"
                session.execute(insert(table(Message)), [_message(message_id, status, number, self.clock.now)])
                attempt = {"message_id": message_id, "number": 1, "state": state, "error": error}
                session.execute(insert(SendAttempt), [attempt | {"started_at": self.clock.now}])
                ids.append(message_id)
        return ids

    def pace(self, **values: Any) -> None:
        """What the queue noted about our number."""
        now = self.clock.now
        row = {"phone_number_id": PNID, "next_slot_at": now, "inbound_counted_at": now, "share": 1.0, "doubts": 0}
        with self.database.write() as session:
            session.execute(insert(NumberLimit), [row | values])

    def set_status(self, ids: list[str], status: str) -> None:
        with self.database.write() as session:
            session.execute(update(Message).where(Message.id.in_(ids)).values(status=status))


def test_all_is_well(story: Story, receive: Receive) -> None:
    receive(message_body(text()))
    story.try_to_send("accepted")

    assert story.after() == []


@responses.activate
def test_a_dead_token_and_the_next(story: Story, client: FlaskClient) -> None:
    responses.post(f"https://graph.example/v26.0/{PNID}/messages", json={"error": {"code": 190}}, status=401)
    sent = client.post(
        "/send/whatsapp",
        json={"to": f"+{ANA}", "message": "Hola", "force": True},
        headers={"Authorization": f"Bearer {API_KEY}"},
    )
    assert sent.status_code == 502
    responses.get(f"https://graph.example/v26.0/{PNID}", json={"error": {"code": 190}}, status=401)
    assert story.after() == [], "one answer is no proof"
    story.gateway.probe_numbers()
    assert story.after() == [Told("raised", "token_dead", PNID)]
    assert story.after(hours=1) == []
    assert story.after(hours=23) == [Told("repeated", "token_dead", PNID)]

    story.use(with_settings(story.gateway.config, whatsapp_access_token="EAAanother-token-0123456789"))

    assert story.after() == [Told("closed", "token_dead", PNID)]


def test_a_number_that_meta_stopped(story: Story) -> None:
    story.pace(bulk_stopped_by=131042)
    assert story.after() == []  # stopped once, but nothing fails and nothing waits
    story.try_to_send("accepted", number=OTHER_PNID)
    story.try_to_send("refused", count=3, error={"code": 131042, "class": "stop_num"})
    assert story.after() == [Told("raised", "number_paused", PNID)]
    assert story.after(hours=1) == []
    story.try_to_send("refused", error={"code": 131042, "class": "stop_num"})
    assert story.after(hours=23) == [Told("repeated", "number_paused", PNID)]

    story.try_to_send("accepted")

    assert story.after() == [Told("closed", "number_paused", PNID)]


def test_a_campaign_that_waits_for_a_stopped_number(story: Story) -> None:
    story.pace(bulk_stopped_by=131048)
    [message_id] = story.try_to_send("accepted")
    queued = {"message_id": message_id, "phone_number_id": PNID, "recipient": ANA, "rank": 2, "attempt": 1}
    times = {name: story.clock.now for name in ("wanted_at", "due_at", "expires_at")}
    with story.database.write() as session:
        session.execute(insert(QueuedSend), [queued | times | {"refusals": 0}])
    assert story.after() == [Told("raised", "number_paused", PNID)]

    with story.database.write() as session:
        session.execute(update(NumberLimit).values(bulk_stopped_by=None))

    assert story.after() == [Told("closed", "number_paused", PNID)]


def test_a_message_that_meta_refuses_is_no_alert(story: Story) -> None:
    story.try_to_send("refused", count=3, error={"code": 131026, "class": "user"})
    story.try_to_send("refused", error=None)

    assert story.after() == []


@pytest.mark.parametrize(
    ("kind", "subject", "field", "worse", "better"),
    [
        ("quality_low", PNID, "phone_number_quality_update", [{"event": "FLAGGED"}], {"event": "UNFLAGGED"}),
        ("limit_lowered", PNID, "phone_number_quality_update",
         [{"event": "DOWNGRADE", "max_daily_conversations_per_business": "TIER_250"}], {"event": "UPGRADE"}),
        ("limit_lowered", PNID, "phone_number_quality_update",
         [{"event": "ONBOARDING", "max_daily_conversations_per_business": "TIER_10K"},
          {"event": "OTHER", "max_daily_conversations_per_business": "TIER_2K"}],
         {"event": "OTHER", "max_daily_conversations_per_business": "TIER_UNLIMITED"}),
        ("limit_lowered", "the business" + OF_ACCOUNT, "business_capability_update",
         [{"max_daily_conversations_per_business": -1}, {"max_daily_conversations_per_business": 2000}],
         {"max_daily_conversations_per_business": -1}),
        ("template_paused", "sale (es)" + OF_ACCOUNT, "message_template_status_update",
         [{"event": "PAUSED", "message_template_name": "sale", "message_template_language": "es"}],
         {"event": "APPROVED", "message_template_name": "sale", "message_template_language": "es"}),
        ("template_paused", "12" + OF_ACCOUNT, "message_template_status_update",
         [{"event": "DISABLED", "message_template_id": 12}], {"event": "DELETED", "message_template_id": 12}),
        ("account_restricted", "DISABLED_UPDATE" + OF_ACCOUNT, "account_update",
         [{"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "DISABLE"}}],
         {"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "REINSTATE"}}),
        ("account_restricted", "DISABLED_UPDATE" + OF_ACCOUNT, "account_update",
         [{"event": "DISABLED_UPDATE", "ban_info": [{"waba_ban_state": "SCHEDULE_FOR_DISABLE"}]}],
         {"event": "DISABLED_UPDATE", "ban_info": [{"waba_ban_state": "REINSTATE"}]}),
        ("account_restricted", "ACCOUNT_OFFBOARDED" + OF_ACCOUNT, "account_update",
         [{"event": "ACCOUNT_OFFBOARDED"}], {"event": "ACCOUNT_RECONNECTED"}),
        ("account_restricted", "PARTNER_REMOVED" + OF_ACCOUNT, "account_update",
         [{"event": "PARTNER_REMOVED", "disconnection_info": {"reason": "PRIMARY_INACTIVITY"}}],
         {"event": "PARTNER_ADDED"}),
        ("template_paused", "sale (es)" + OF_ACCOUNT, "message_template_status_update",
         [{"event": "LOCKED", "message_template_name": "sale", "message_template_language": "es"}],
         {"event": "UNARCHIVED", "message_template_name": "sale", "message_template_language": "es"}),
        ("template_warned", "sale (es)" + OF_ACCOUNT, "message_template_status_update",
         [{"event": "FLAGGED", "message_template_name": "sale", "message_template_language": "es"}],
         {"event": "REINSTATED", "message_template_name": "sale", "message_template_language": "es"}),
        ("template_warned", "sale: quality" + OF_ACCOUNT, "message_template_quality_update",
         [{"message_template_name": "sale", "new_quality_score": "RED"}],
         {"message_template_name": "sale", "new_quality_score": "YELLOW"}),
        ("template_dearer", "sale" + OF_ACCOUNT, "template_category_update",
         [{"message_template_name": "sale", "previous_category": "UTILITY", "new_category": "MARKETING"}],
         {"message_template_name": "sale", "previous_category": "MARKETING", "new_category": "UTILITY"}),
        ("review_failed", "its review" + OF_ACCOUNT, "account_review_update",
         [{"decision": "REJECTED"}], {"decision": "APPROVED"}),
        ("name_refused", "…0100" + OF_ACCOUNT, "phone_number_name_update",
         [{"decision": "REJECTED", "display_phone_number": "15550100100"}],
         {"decision": "APPROVED", "display_phone_number": "15550100100"}),
        ("username_lost", "username" + OF_ACCOUNT, "business_username_updates",
         [{"status": "deleted"}], {"status": "approved"}),
        ("flow_failing", "7" + OF_ACCOUNT, "flows",
         [{"event": "FLOW_STATUS_CHANGE", "flow_id": "7", "new_status": "BLOCKED"}],
         {"event": "FLOW_STATUS_CHANGE", "flow_id": "7", "new_status": "PUBLISHED"}),
        ("flow_failing", "7: ENDPOINT_ERROR_RATE" + OF_ACCOUNT, "flows",
         [{"event": "ENDPOINT_ERROR_RATE", "flow_id": "7", "alert_state": "ACTIVATED"}],
         {"event": "ENDPOINT_ERROR_RATE", "flow_id": "7", "alert_state": "DEACTIVATED"}),
        ("account_alert", "X" + OF_ACCOUNT, "account_alerts",
         [{"alert_info": {"alert_severity": "CRITICAL", "alert_type": "X", "alert_status": "ACTIVE"}}],
         {"alert_info": {"alert_severity": "CRITICAL", "alert_type": "X", "alert_status": "RESOLVED"}}),
    ],
)  # fmt: skip
def test_bad_news_from_meta(
    story: Story, receive: Receive, kind: str, subject: str, field: str, worse: list[Any], better: Any
) -> None:
    for value in worse:
        assert Told("raised", kind, subject) not in story.after()
        receive(news(story, field, value))
    assert story.after() == [Told("raised", kind, subject)]
    assert story.after(hours=1) == []
    assert story.after(hours=23) == [Told("repeated", kind, subject)]

    receive(news(story, field, better))

    assert story.after() == [Told("closed", kind, subject)]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("phone_number_quality_update", {"event": "ONBOARDING", "max_daily_conversations_per_business": "TIER_2K"}),
        ("message_template_status_update", {"event": "PENDING", "message_template_name": "hello"}),
        ("template_category_update", {"message_template_name": "hello", "new_category": "UTILITY"}),
        ("account_review_update", {"decision": "PENDING"}),
        ("account_update", {"event": "MM_LITE_TERMS_SIGNED"}),
        ("account_update", {"ban_info": ["?"], "event": {"odd": 1}}),
        ("account_alerts", {"alert_info": {"alert_severity": "INFORMATIONAL", "alert_type": "X"}}),
        ("business_capability_update", {"max_daily_conversations_per_business": None}),
        ("phone_number_quality_update", {"display_phone_number": 5}),
    ],
)
def test_other_news_is_no_alert(story: Story, receive: Receive, field: str, value: Any) -> None:
    receive(news(story, field, value))

    assert story.after() == []


def test_a_restriction_without_an_end_is_over_after_a_week(story: Story, receive: Receive) -> None:
    receive(news(story, "account_update", {"event": "ACCOUNT_RESTRICTION", "restriction_info": [
        {"restriction_type": "RESTRICTED_BIZ_INITIATED_MESSAGING", "expiration": 1}]}))  # fmt: skip
    assert story.after() == [Told("raised", "account_restricted", "ACCOUNT_RESTRICTION" + OF_ACCOUNT)]
    story.after(days=6)

    assert story.after(days=1) == [Told("closed", "account_restricted", "ACCOUNT_RESTRICTION" + OF_ACCOUNT)]


@pytest.mark.parametrize(
    ("kind", "subject", "field", "value"),
    [
        ("price_changed", "AUTH_INTL_PRICE_ELIGIBILITY_UPDATE" + OF_ACCOUNT, "account_update",
         {"event": "AUTH_INTL_PRICE_ELIGIBILITY_UPDATE"}),
        ("pin_changed", "…0100" + OF_ACCOUNT, "security",
         {"event": "PIN_RESET_REQUEST", "display_phone_number": "15550100100"}),
    ],
)  # fmt: skip
def test_news_without_an_end_is_over_after_a_week(
    story: Story, receive: Receive, kind: str, subject: str, field: str, value: Any
) -> None:
    receive(news(story, field, value))
    assert story.after() == [Told("raised", kind, subject)]
    story.after(days=6)

    assert story.after(days=1) == [Told("closed", kind, subject)]


def test_the_news_of_one_account_ends_nothing_of_another(story: Story, receive: Receive) -> None:
    def of(account: str, state: str) -> Any:
        body = news(story, "account_update", {"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": state}})
        body["entry"][0]["id"] = account
        return body

    receive(of("111", "DISABLE"), of("222", "DISABLE"))
    assert [each.subject[-12:] for each in sorted(story.after())] == ["account 111)", "account 222)"]

    receive(of("222", "REINSTATE"))

    assert story.after() == [Told("closed", "account_restricted", "DISABLED_UPDATE (account 222)")]


def test_a_partner_is_told_of_another_account(story: Story, receive: Receive) -> None:
    receive(news(story, "account_update", {"event": "PARTNER_REMOVED", "waba_info": {"waba_id": "333"}}))

    assert story.after() == [Told("raised", "account_restricted", "PARTNER_REMOVED (account 333)")]


def test_a_worker_that_is_behind(story: Story) -> None:
    with story.database.write() as session:
        session.execute(insert(Job), [job(due_at=story.clock.now)])
    assert Told("raised", "worker_behind", "") in story.after(seconds=30)  # and it is past the minute meanwhile

    with story.database.write() as session:
        session.execute(update(Job).values(due_at=story.clock.now.replace(year=2030)))

    assert story.after() == [Told("closed", "worker_behind", "")]


def test_work_that_no_living_worker_moves(story: Story) -> None:
    with story.database.write() as session:
        waiting = job(due_at=story.clock.now.replace(year=2030)) | {"created_at": story.clock.now, "attempts": 3}
        session.execute(insert(Job), [waiting])
        until = story.clock.now + timedelta(days=1)
        workers.seen(session, "w", until, until - timedelta(days=2))
    assert story.after(minutes=5) == []
    assert story.after(minutes=5) == [Told("raised", "work_stuck", "webhooks")]

    with story.database.write() as session:
        session.execute(delete(Job))

    assert story.after() == [Told("closed", "work_stuck", "webhooks")]


def test_a_worker_that_is_behind_for_a_moment_is_no_alert(story: Story) -> None:
    with story.database.write() as session:
        session.execute(insert(Job), [job(due_at=story.clock.now)])
    story.clock.pass_by(seconds=50)
    story.run_health_checks()
    with story.database.write() as session:
        session.execute(update(Job).values(due_at=story.clock.now.replace(year=2030)))

    assert story.after() == []


def test_what_comes_and_goes_is_told_once(story: Story) -> None:
    with story.database.write() as session:
        session.execute(insert(Job), [job(due_at=story.clock.now)])
    assert story.after(minutes=5) == [Told("raised", "worker_behind", "")]
    for _ in range(5):
        for due_at in (story.clock.now.replace(year=2030), story.clock.now.replace(year=2020)):
            with story.database.write() as session:
                session.execute(update(Job).values(due_at=due_at))
            story.run_health_checks()
            story.clock.pass_by(seconds=20)

    assert story.after() == []


@pytest.mark.parametrize("state", ["parked", "quarantined"])
def test_webhooks_that_were_set_aside(story: Story, state: str) -> None:
    with story.database.write() as session:
        session.execute(insert(table(Notification)), [webhook(state, story.clock.now)])
    assert story.after() == [Told("raised", state, "")]
    assert story.after(days=1) == [Told("repeated", state, "")]

    with story.database.write() as session:
        session.execute(update(Notification).values(state="processed"))

    assert story.after() == [Told("closed", state, "")]


def test_webhooks_set_aside_long_ago_are_old_news(story: Story) -> None:
    with story.database.write() as session:
        session.execute(insert(table(Notification)), [webhook("parked", story.clock.now)])
    story.after()
    story.after(days=6)

    assert story.after(days=1) == [Told("closed", "parked", "")]


def test_sends_that_wait_for_a_person(story: Story) -> None:
    ids = story.try_to_send("accepted", count=2)
    story.set_status(ids, "held")
    assert story.after() == [Told("raised", "sends_held", "")]
    story.set_status(ids[:1], "sent")
    assert story.after() == []

    story.set_status(ids, "sent")

    assert story.after() == [Told("closed", "sends_held", "")]


def test_a_number_that_nobody_configured(story: Story, receive: Receive) -> None:
    receive(message_body(text(), number=OTHER_PNID), message_body(text()))
    assert story.after() == [Told("raised", "unknown_number", OTHER_PNID)]
    assert story.after(hours=1) == []

    story.use(with_settings(story.gateway.config, whatsapp_phone_number_id=OTHER_PNID))

    assert story.after() == [Told("closed", "unknown_number", OTHER_PNID)]


def test_a_worker_whose_clock_is_wrong(story: Story) -> None:
    watch, ahead = story.run_health_checks, {"a": 0.4, "b": -31.0}

    def watch_beside_them() -> None:
        with story.database.write() as session:
            for host, seconds in ahead.items():
                workers.seen(session, host, story.clock.now, story.clock.now - timedelta(hours=1), host, seconds)
        watch()

    story.run_health_checks = watch_beside_them  # type: ignore[assignment]
    assert story.after() == [Told("raised", "clock_wrong", "b")]
    ahead["b"] = 0.1
    assert story.after() == [Told("closed", "clock_wrong", "b")]


def test_deliveries_that_a_worker_has_and_does_nothing_with(story: Story) -> None:
    now = story.clock.now
    row = {
        "event_id": "e", "state": "pending", "is_replay": False, "attempts": 0, "created_at": now, "claim_id": "c",
        "claimed_at": now, "due_at": now + timedelta(seconds=25),
    }  # fmt: skip
    handler = endpoint("h1", now) | {"format": "handler", "url": "greet"}
    with story.database.write() as session:
        session.execute(insert(Endpoint), [endpoint("e1", now), handler])
        session.execute(insert(Delivery), [row | {"endpoint_id": id} for id in ("e1", "h1")])

    watch = story.run_health_checks

    def watch_beside_its_worker() -> None:
        with story.database.write() as session:
            session.execute(update(Delivery).values(due_at=story.clock.now + timedelta(seconds=25)))
        watch()

    story.run_health_checks = watch_beside_its_worker  # type: ignore[assignment]
    assert story.after() == []
    assert story.after() == [Told("raised", "deliveries_stuck", "e1")]
    assert b"whatsapp_oldest_claim_seconds 180" in metrics.text()
    assert story.after(minutes=2) == [Told("raised", "deliveries_stuck", "h1")]
    with story.database.write() as session:
        session.execute(update(Delivery).values(claim_id=None))
    story.after()
    assert "deliveries_stuck" not in kinds(story.database)
    assert b"whatsapp_oldest_claim_seconds 0" in metrics.text()


def test_an_app_that_takes_nothing_and_is_given_up(story: Story) -> None:
    now = story.clock.now
    failing = {"opens": 0, "failures": 2, "failing_since": now}
    with story.database.write() as session:
        paused = endpoint("e3", now) | failing | {"paused": True}
        once = endpoint("e4", now) | failing | {"failures": 1}
        for row in (endpoint("e1", now) | failing, endpoint("e2", now), paused, once):
            session.execute(insert(Endpoint), [row])
    story.run_health_checks()
    story.clock.pass_by(seconds=110)
    story.run_health_checks()
    assert "endpoint_failing" not in kinds(story.database)
    assert story.after(seconds=10) == [Told("raised", "endpoint_failing", "e1")]
    with story.database.write() as session:
        session.execute(update(Endpoint).where(Endpoint.id == "e1").values(disabled_at=now, disabled_reason="410"))
    assert story.after() == [Told("raised", "endpoint_disabled", "e1"), Told("closed", "endpoint_failing", "e1")]

    with story.database.write() as session:
        session.execute(update(Endpoint).values(disabled_at=None, opens=0, failures=0, failing_since=None))

    assert story.after() == [Told("closed", "endpoint_disabled", "e1")]


def test_an_app_that_fails_for_a_moment_is_no_alert(story: Story) -> None:
    now = story.clock.now
    with story.database.write() as session:
        session.execute(insert(Endpoint), [endpoint("e1", now) | {"opens": 1, "failures": 5, "failing_since": now}])
    story.run_health_checks()
    story.clock.pass_by(seconds=50)
    story.run_health_checks()
    with story.database.write() as session:
        session.execute(update(Endpoint).values(opens=0, failures=0, failing_since=None))

    assert story.after() == []


def test_silence_and_its_end(story: Story) -> None:
    story.try_to_send("accepted", count=19)
    assert story.after(minutes=10) == []
    ids = story.try_to_send("accepted", count=1)
    assert story.after(seconds=60) == []
    assert story.after(minutes=2) == [Told("raised", "silence", PNID)]
    assert story.after(hours=1) == []

    story.set_status(ids, "delivered")

    assert story.after() == [Told("closed", "silence", PNID)]


def test_silence_of_one_number_beside_another(story: Story) -> None:
    story.try_to_send("accepted", count=20, number=OTHER_PNID)
    story.set_status(story.try_to_send("accepted", count=30), "read")

    assert story.after(minutes=6) == [Told("raised", "silence", OTHER_PNID)]


def test_silence_where_nothing_is_sent(story: Story) -> None:
    """Customers write in their own hours; nights are no silence, and what is longer than any night is."""
    began = story.clock.now.replace(hour=9, minute=0, second=0, microsecond=0) - timedelta(days=6)
    hours = [began + timedelta(days=day, hours=hour) for day in range(6) for hour in range(10)]
    with story.database.write() as session:
        traffic.add(session, [traffic.TrafficCount(hour, PNID, "message.received", 5) for hour in hours])
    story.clock.now = hours[-1] + timedelta(hours=14)
    assert story.after() == []

    assert story.after(hours=12) == [Told("raised", "silence", PNID)]

    with story.database.write() as session:
        traffic.add(session, [traffic.TrafficCount(story.clock.now, PNID, "message.received")])
    assert story.after() == [Told("closed", "silence", PNID)]


def test_webhooks_that_none_of_our_secrets_signed(story: Story, post_webhook: Receive) -> None:
    note = NoteBadSignatures(story.database, story.clock)
    body = to_bytes(message_body(text("Hola")))
    for _ in range(30):
        note(body, story.gateway.directory.current)
        note(to_bytes({"entry": "junk"}), story.gateway.directory.current)
        story.clock.pass_by(seconds=5)

    assert story.after() == [Told("raised", "signature_refused", PNID)]

    with story.database.write() as session:
        traffic.add(session, [traffic.TrafficCount(story.clock.now, PNID, "message.received")])
    assert story.after() == [Told("closed", "signature_refused", PNID)]


def test_a_forged_webhook_among_good_ones_is_no_alert(story: Story) -> None:
    note = NoteBadSignatures(story.database, story.clock)
    for _ in range(30):
        note(to_bytes(message_body(text("Hola"))), story.gateway.directory.current)
        with story.database.write() as session:
            traffic.add(session, [traffic.TrafficCount(story.clock.now, PNID, "message.received")])
        story.clock.pass_by(seconds=10)

    assert story.after() == []


def test_a_lost_key_is_told_as_itself(story: Story, gateway: Gateway, client: FlaskClient) -> None:
    save_number(story.database, Encryptor(("MTExMTExMTExMTExMTExMTExMTExMTExMTExMTExMTE=",)), story.clock.now,
                phone_number_id=OTHER_PNID, display_phone_number=None, waba_id=None, app_id=None,
                access_token="EAAtheirs", app_secrets=[], rate=None)  # fmt: skip
    gateway.directory.refresh()
    story.use(gateway.config)

    number = gateway.directory.current.numbers[OTHER_PNID]  # and a send of it was refused, as one without a token is
    story.pace(phone_number_id=OTHER_PNID, paused_for="auth", token_hash=number.token_hash)
    assert story.after() == [Told("raised", "encryption_key", "")]
    assert client.get("/readyz").get_json()["secrets"] == "cannot be decrypted; see ENCRYPTION_KEY"

    remove_number(story.database, OTHER_PNID, story.clock())
    gateway.directory.refresh()
    story.use(gateway.config)
    assert story.after() == [Told("closed", "encryption_key", "")]
    assert client.get("/readyz").get_json()["secrets"] == "ok"


def test_while_we_are_behind_nobody_calls_it_silence(story: Story) -> None:
    story.try_to_send("accepted", count=20)
    with story.database.write() as session:
        session.execute(insert(Job), [job(due_at=story.clock.now)])

    assert story.after(minutes=10) == [Told("raised", "worker_behind", "")]


def test_a_disk_that_fills(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    def used(percent: int) -> None:
        usage = shutil._ntuple_diskusage(100_000_000, percent * 1_000_000, (100 - percent) * 1_000_000)
        monkeypatch.setattr("app.services.health_checks.internal_checks.shutil.disk_usage", lambda _path: usage)

    used(79)
    story.after()
    assert kinds(story.database) == []
    used(80)
    story.after()
    assert kinds(story.database) == ["disk_full"]
    used(50)
    story.after()
    assert kinds(story.database) == []


def test_a_broker_that_nobody_reaches(story: Story) -> None:
    def renewed(ago: timedelta) -> None:
        with story.database.write() as session:
            upkeep.note(session, upkeep.RELAY, at=story.clock.now - ago)

    renewed(timedelta(minutes=5))
    assert story.after() == []  # there is no broker in the settings

    story.use(with_settings(story.gateway.config, broker_url="amqp://broker/"))
    assert story.after() == [Told("raised", "broker_away", "")]
    renewed(timedelta(minutes=-10))  # while the next minutes pass

    assert story.after() == [Told("closed", "broker_away", "")]


@on_sqlite
def test_a_log_of_sqlite_that_grows(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    assert story.after() == []

    monkeypatch.setattr(internal_checks, "WAL_BYTES", -1)  # an empty log is too long now
    assert story.after() == [Told("raised", "wal_grows", "")]
    monkeypatch.undo()

    assert story.after() == [Told("closed", "wal_grows", "")]


def test_a_certificate_of_the_graph_face_that_ends(
    story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(internal_checks, "GRAPH_CA", tmp_path / "graph-ca")
    assert story.after() == []
    make_certificate(internal_checks.GRAPH_CA, ["graph.facebook.com"], story.clock.now)
    assert story.after(days=360) == []

    assert story.after(days=10) == [Told("raised", "graph_certificate", "graph.facebook.com")]

    make_certificate(internal_checks.GRAPH_CA, ["graph.facebook.com"], story.clock.now)
    assert story.after(hours=1) + story.after(hours=1) == [Told("closed", "graph_certificate", "graph.facebook.com")]


def test_a_name_of_metas_that_is_directed_here(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    places = ["157.240.1.1"]
    monkeypatch.setattr("app.graph.loop_guard.getaddrinfo", lambda *_a, **_n: [(2, 1, 6, "", (places[0], 0))])
    story.use(with_settings(story.gateway.config, graph_hosts=("graph.example",)))
    assert story.after() == []

    places[0] = "127.0.0.1"
    assert story.after() == [Told("raised", "graph_circle", "graph.example")]
    places[0] = "157.240.1.1"

    assert story.after() == [Told("closed", "graph_circle", "graph.example")]


def test_a_database_that_reaches_its_limit(story: Story) -> None:
    with story.database.write() as session:
        session.execute(insert(table(Notification)), [webhook("processed", story.clock.now, raw=b"x" * 1_000_000)])
    story.use(with_settings(story.gateway.config, storage_limit_mb=1))
    assert story.after() == [Told("raised", "storage_limit", "")]

    story.use(with_settings(story.gateway.config, storage_limit_mb=10_000))

    assert story.after() + story.after(minutes=5) == [Told("closed", "storage_limit", "")]


def test_a_night_in_which_the_books_do_not_balance(story: Story) -> None:
    with story.database.write() as session:
        upkeep.note(session, upkeep.BALANCE, at=story.clock.now, place="2")
    assert story.after() == [Told("raised", "books_unbalanced", "")]

    with story.database.write() as session:
        upkeep.note(session, upkeep.BALANCE, at=story.clock.now, place="0")

    assert story.after(minutes=2) + story.after(minutes=2) == [Told("closed", "books_unbalanced", "")]


def test_snapshots_that_are_not_written_any_more(story: Story) -> None:
    story.use(with_settings(story.gateway.config, backup_dir="/nowhere", backup_every_hours=1))
    with story.database.write() as session:
        upkeep.note(session, upkeep.SNAPSHOT_WRITTEN, at=story.clock.now)
    assert story.after(hours=1) == []
    assert story.after(hours=2) == [Told("raised", "backup_late", "")]

    with story.database.write() as session:
        upkeep.note(session, upkeep.SNAPSHOT_WRITTEN, at=story.clock.now)

    assert story.after(minutes=2) + story.after(minutes=2) == [Told("closed", "backup_late", "")]


def test_files_that_cannot_be_fetched(story: Story) -> None:
    def files(count: int, state: str) -> list[str]:
        made = [new_id() for _ in range(count)]
        about = {"direction": "inbound", "phone_number_id": PNID, "state": state, "created_at": story.clock.now}
        with story.database.write() as session:
            session.execute(insert(table(Media)), [{"id": each, **about} for each in made])
        return made

    waiting = files(10, "pending")
    assert story.after(minutes=7) == [], "a restart may take as long"
    assert story.after(minutes=5) == [Told("raised", "media_failing", "")]
    with story.database.write() as session:
        session.execute(update(Media).where(Media.id.in_(waiting)).values(state="stored"))
    assert story.after(minutes=2) + story.after(minutes=2) == [Told("closed", "media_failing", "")]

    files(2, "gone")
    files(2, "refused")
    assert story.after() == [], "a few may be Meta's"
    files(1, "gone")
    assert story.after() == [Told("raised", "media_failing", "")]
    assert Told("closed", "media_failing", "") in story.after(days=8) + story.after(minutes=2) + story.after(minutes=2)


@pytest.mark.parametrize(
    ("version", "is_raised"), [("v20.0", True), ("v21.0", True), ("v25.0", False), ("v3.1", True)]
)
def test_a_version_of_graph_that_ends(story: Story, version: str, is_raised: bool) -> None:
    story.use(with_settings(story.gateway.config, graph_api_version=version))
    assert story.after() == ([Told("raised", "graph_version", version)] if is_raised else [])

    story.use(story.gateway.config)

    assert story.after(hours=1) + story.after(hours=1) == (
        [Told("closed", "graph_version", version)] if is_raised else []
    )


def test_a_check_that_breaks_stops_no_other(story: Story) -> None:
    def fail(_look: CheckContext) -> None:
        raise RuntimeError("broken")

    others = CHECKS[-2:]
    story.run_health_checks._checks = (Check("silence", fail, 10), *others)
    story.run_health_checks()

    assert story.run_health_checks._last_run_at.keys() == {"silence", *(each.kind for each in others)}


def test_every_check_has_a_kind_that_is_explained() -> None:
    assert {check.kind for check in CHECKS} <= KINDS.keys()
    assert len({check.kind for check in CHECKS}) == len(CHECKS)


@on_sqlite  # PostgreSQL chooses by statistics, and these tables are empty
def test_no_check_reads_a_whole_table(story: Story) -> None:
    seen: list[str] = []
    gateway = story.gateway
    tokens = TokenChecks(GraphClient("https://graph.example", "v26.0", service_version="0"))
    context = CheckContext(gateway.config, story.database, gateway.directory.current, tokens, story.clock.now)
    with recorded(story.database, seen):
        for check in CHECKS:
            if check.kind != "token_expiring":
                check.find(context)

    assert len(seen) > 10
    assert [plan for plan in seen if "SCAN messages" in plan or "SCAN events" in plan or "SCAN notifications" in plan
            or "SCAN send_attempts" in plan] == []  # fmt: skip


@responses.activate
def test_a_token_that_runs_out(tokens: RunHealthChecks, clock: Clock, database: Database) -> None:
    ends = clock.now.timestamp() + 8 * 86400
    asked = responses.get(DEBUG_TOKEN, json={"data": {"is_valid": True, "expires_at": int(ends)}})
    tokens()
    clock.pass_by(hours=23)
    tokens()
    assert (asked.call_count, kinds(database)) == (1, [])  # asked once a day
    clock.pass_by(hours=1)

    tokens()

    assert (asked.call_count, kinds(database)) == (2, ["token_expiring"])
    request = asked.calls[0].request
    assert request.params["input_token"] == ACCESS_TOKEN
    assert request.headers["Authorization"] == f"Bearer {ACCESS_TOKEN}"
    with database.read() as session:
        alert = session.scalars(select(Alert)).one()
    assert alert.phone_number_id == PNID
    assert ACCESS_TOKEN not in repr((alert.details, alert.subject))

    responses.replace(responses.GET, DEBUG_TOKEN, json={"data": {"is_valid": True, "expires_at": 0}})
    clock.pass_by(hours=1)
    tokens()
    clock.pass_by(minutes=1)
    tokens()

    assert kinds(database) == []


@responses.activate
@pytest.mark.parametrize(
    "answer",
    [
        {"json": {"data": {"is_valid": False, "error": {"code": 190}}}},
        {"json": {"error": {"code": 190, "message": "expired"}}, "status": 401},
    ],
)
def test_a_token_that_is_no_longer_valid(tokens: RunHealthChecks, database: Database, answer: Any) -> None:
    responses.get(DEBUG_TOKEN, **answer)

    tokens()

    assert kinds(database) == ["token_expiring"]


@responses.activate
@pytest.mark.parametrize(
    "answer",
    [
        {"body": "<html>", "status": 502},
        {"json": {"error": {"code": 4}}, "status": 400},
        {"json": []},
        {"json": {"data": {"is_valid": "yes", "expires_at": "soon"}}},
    ],
)
def test_while_meta_cannot_be_asked_nothing_is_said(
    tokens: RunHealthChecks, database: Database, clock: Clock, answer: Any
) -> None:
    asked = responses.get(DEBUG_TOKEN, **answer)

    tokens()
    clock.pass_by(minutes=30)
    tokens()

    assert (asked.call_count, kinds(database)) == (1, [])


@responses.activate
def test_a_token_that_cannot_be_asked_about_hides_no_other(
    tokens: RunHealthChecks, gateway: Gateway, database: Database, clock: Clock
) -> None:
    save_number(database, gateway.encryptor, clock.now, phone_number_id=OTHER_PNID, display_phone_number=None,
                waba_id=None, app_id=None, access_token="EAAtheirs", app_secrets=[], rate=None)  # fmt: skip
    gateway.directory.refresh()
    theirs = [matchers.query_param_matcher({"input_token": "EAAtheirs"})]
    ours = [matchers.query_param_matcher({"input_token": ACCESS_TOKEN})]
    responses.get(DEBUG_TOKEN, match=theirs, json={"data": {"is_valid": False}})
    responses.get(DEBUG_TOKEN, match=ours, status=503)
    tokens()
    assert kinds(database) == ["token_expiring"]

    responses.replace(responses.GET, DEBUG_TOKEN, match=theirs, status=503)
    for _ in range(3):
        clock.pass_by(hours=1)
        tokens()

    assert kinds(database) == ["token_expiring"]  # what nobody can say is over is not over


@pytest.fixture
def story(gateway: Gateway, clock: Clock) -> Story:
    clock.now = datetime.now(UTC)
    return Story(gateway, clock)


@pytest.fixture
def tokens(gateway: Gateway, clock: Clock) -> RunHealthChecks:
    """A watch that looks at tokens alone."""
    config = gateway.config
    graph = GraphClient(config.graph_api_url, config.graph_api_version, service_version="0")
    checks = [check for check in CHECKS if check.kind == "token_expiring"]
    alerts = Alerts(gateway.database, (), clock)
    return RunHealthChecks(config, gateway.database, gateway.directory, graph, alerts, clock, checks)


def news(story: Story, field: str, value: Any) -> Any:
    body = notification({"field": field, "value": value}, waba=WABA)
    body["entry"][0]["time"] = int(story.clock.now.timestamp())
    return body


def job(due_at: datetime) -> dict[str, Any]:
    return {"kind": "process", "subject_id": "n", "due_at": due_at, "attempts": 0, "created_at": due_at}


def webhook(state: str, at: datetime, raw: bytes = b"{}") -> dict[str, Any]:
    return {
        "id": f"n-{state}", "received_at": at, "raw": raw, "verified_by": "default", "state": state, "request_id": ""
    }  # fmt: skip


def endpoint(id: str, at: datetime) -> dict[str, Any]:
    return {
        "id": id, "url": "https://app.example/secret-path", "format": "event", "secret": "", "ordered": True,
        "replies": False, "paused": False, "failures": 0, "opens": 0, "created_at": at, "updated_at": at,
    }  # fmt: skip


def kinds(database: Database) -> list[str]:
    with database.read() as session:
        return list(session.scalars(select(Alert.kind).where(Alert.closed_at.is_(None))))


def _message(message_id: str, status: str, number: str, at: datetime) -> dict[str, Any]:
    return {
        "id": message_id, "direction": "outbound", "phone_number_id": number, "message_type": "text", "message": "x",
        "content": {}, "timestamp": at, "status": status, "source": "live", "flags": [], "received_at": at,
        "updated_at": at,
    }  # fmt: skip


def test_what_meta_told_is_read_once_for_all_the_checks_of_a_round(story: Story, receive: Receive) -> None:
    receive(news(story, "account_update", {"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "DISABLE"}}))
    asked: list[Any] = []

    def note(_connection: Any, _cursor: Any, _statement: str, parameters: Any, *_: Any) -> None:
        values = parameters.values() if isinstance(parameters, dict) else parameters
        if any(str(value).startswith("account.") for value in values):
            asked.append(parameters)

    event.listen(story.database.engine, "before_cursor_execute", note)
    try:
        story.run_health_checks()
    finally:
        event.remove(story.database.engine, "before_cursor_execute", note)

    assert len(asked) == 1
    assert "account_restricted" in kinds(story.database)


@contextmanager
def recorded(database: Database, plans: list[str]) -> Iterator[None]:
    """Collect how SQLite would answer each SELECT meanwhile."""

    def note(connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith("SELECT"):
            raw = connection.connection.driver_connection
            plans.append(" / ".join(row[3] for row in raw.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)))

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield
    finally:
        event.remove(database.engine, "before_cursor_execute", note)
