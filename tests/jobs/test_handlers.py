"""Python handlers, from the webhook to the queued answer: the user's module runs in a real process of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.domain import breaker, retry_schedule
from app.domain.handover import HandledBy
from app.handlers.pool import HandlerPool
from app.models import Contact, IdempotencyKey
from app.services.delivering.replay import replay_event, retry_delivery
from app.services.operations.audit import audit_balance
from app.store import alerts
from tests.bots import MODULE, Bots, write_bot
from tests.conftest import API_KEY, on_sqlite
from tests.factories import ANA, BO, PNID, change, echo_body, message_body, notification
from tests.factories import status as report
from tests.factories import status_body, text
from tests.jobs.conftest import Harness
from tests.subscriber import subscriber

Receive = Callable[..., None]

ECHO = """
def register(on):
    @on.message(type="text")
    def answer(message, client):
        client.reply("You said: " + message["message"])
"""


def test_a_handler_answers_who_wrote_from_the_number_they_wrote_to(bots: Bots, receive: Receive) -> None:
    bots.load(ECHO)

    receive(message_body(text("Hola", timestamp=now(bots))))
    bots.harness.rounds()

    (message,) = bots.sent()
    assert (message.message, message.recipient, message.phone_number_id) == ("You said: Hola", f"+{ANA}", PNID)
    assert message.status == "queued"
    (delivery,) = bots.harness.deliveries()
    assert (delivery.endpoint_id, delivery.state, delivery.attempts) == ("bot:answer", "delivered", 1)
    with bots.harness.gateway.database.read() as session:
        key = session.scalars(select(IdempotencyKey)).one()
    assert key.key == f"{delivery.event_id}:bot:answer:1"


@on_sqlite
def test_it_is_woken_by_what_it_asked_for_and_by_what_is_said_now_alone(bots: Bots, receive: Receive) -> None:
    bots.load(
        """
        def register(on):
            @on.message(type=["image", "text"], max_age=None)
            def answer(message, client): client.reply("message " + message["message"])
            @on.status(status="failed", max_age=None)
            def note(report, client): client.reply("status " + report["status"]["status"])
            @on.event("message.sent", "account.*", max_age=None)
            def look(event, client): client.send({"to": "+34600111222", "message": event["type"]})
        """
    )
    old = {"phase": 0, "chunk_order": 1, "progress": 100}
    thread = {"id": ANA, "messages": [text("from the history")]}
    receive(
        message_body(text("a", timestamp=now(bots)), {"from": ANA, "id": "wamid.L", "timestamp": str(now(bots)),
                                                      "type": "location", "location": {"latitude": 1, "longitude": 2}}),
        notification(change(field="history", history=[{"metadata": old, "threads": [thread]}])),
        status_body(report("wamid.1", "delivered"), report("wamid.2", "failed")),
        echo_body({"from": "15550100100", "to": ANA, "id": "wamid.E", "timestamp": "1633024800", "type": "text",
                   "text": {"body": "by hand"}}),
        message_body(text("to nobody", timestamp=now(bots)), number="123456789"),
        notification(change(field="account_alerts", number=None, entity_type="WABA")),
    )  # fmt: skip
    bots.harness.rounds()

    assert sorted(bots.said()) == ["account.account_alerts", "message a", "message.sent", "status failed"]
    assert bots.harness.states() == ["delivered"] * 4


@on_sqlite
def test_an_old_message_is_stale_for_it_and_still_everyone_elses(bots: Bots, receive: Receive) -> None:
    bots.load(ECHO)
    with subscriber() as app:
        bots.harness.endpoint(app.url)
        receive(message_body(text("old", timestamp=now(bots) - 901), text("new", timestamp=now(bots) - 800)))
        bots.harness.rounds()

    assert bots.said() == ["You said: new"]
    mine = [row for row in bots.harness.deliveries() if row.endpoint_id == "bot:answer"]
    assert [row.state for row in mine] == ["stale", "delivered"]
    assert mine[0].reason and mine[0].reason.startswith("stale")
    assert len(app.posted) == 2


def test_one_that_fails_after_its_send_is_tried_again_and_answers_once(bots: Bots, receive: Receive) -> None:
    bots.load(
        """
        import os
        def register(on):
            @on.message
            def answer(message, client):
                first = client.reply("first")
                if not os.path.exists("tried"):
                    open("tried", "w").close()
                    raise RuntimeError("a bug")
                assert client.reply("second")["id"] != first["id"]
            @on.message
            def other(message, client):
                client.reply("other")
        """
    )
    receive(message_body(text(timestamp=now(bots))))
    bots.harness.rounds()
    assert sorted(bots.said()) == ["first", "other"]

    bots.harness.pass_by(seconds=7)
    bots.harness.rounds()

    assert sorted(bots.said()) == ["first", "other", "second"]
    assert {(row.endpoint_id, row.state, row.attempts) for row in bots.harness.deliveries()} == {
        ("bot:answer", "delivered", 2), ("bot:other", "delivered", 1),
    }  # fmt: skip
    failed = next(row for row in bots.harness.attempts() if row.error)
    assert failed.error and failed.error.startswith("raised RuntimeError at bot.py:")
    assert failed.answer and "a bug" in failed.answer and failed.status is None


def test_what_failed_is_tried_at_once_when_the_code_is_loaded_anew(bots: Bots, receive: Receive) -> None:
    code = """
        def register(on):
            @on.message
            def answer(message, client):
                {}
                client.reply("hello")
        """
    bots.load(code.format('raise RuntimeError("a bug")'))
    receive(message_body(text(timestamp=now(bots))))
    bots.harness.rounds()
    assert (bots.harness.states(), bots.said()) == (["pending"], [])

    bots.load(code.format("pass"))
    bots.harness.rounds()

    assert (bots.harness.states(), bots.said()) == (["delivered"], ["hello"])


@on_sqlite
def test_it_is_tried_as_long_as_an_app_and_then_its_delivery_is_dead(
    bots: Bots, receive: Receive, get: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.services.delivering.record_results.PROBES_IN_AGE", 1)
    bots.load("def register(on):\n    @on.message(max_age=None)\n    def answer(message, client): 1 / 0")
    receive(message_body(text(timestamp=now(bots))))
    while bots.harness.states() == ["pending"]:
        bots.harness.rounds()
        due = max(row.due_at or bots.harness.clock() for row in bots.harness.deliveries())
        bots.harness.clock.now = max(due, bots.harness.row("bot:answer").open_until or due)
        bots.harness.directory.forget()

    count = len(bots.harness.attempts())
    assert len(retry_schedule.PAUSES) <= count < 60
    assert bots.harness.states() == ["dead"]
    shown = get("/api/endpoints/bot:answer")
    assert (shown["state"], shown["handler"], shown["url"], shown["format"]) == (
        "failing", "bot:answer", None, "handler",
    )  # fmt: skip
    message = get("/api/messages")["data"][0]
    tries = [each for each in get(f"/api/messages/{message['id']}/timeline")["data"] if each["endpoint_id"]]
    assert [each["what"] for each in tries].count("delivery_attempt") == count
    assert ("delivery", "dead") in {(each["what"], each["status"]) for each in tries}

    bots.load(ECHO)  # put right; whoever retries it by hand wants the answer
    retry_delivery(bots.harness.gateway.database, bots.harness.deliveries()[0].id, bots.harness.clock())
    bots.harness.rounds()
    assert bots.said() == ["You said: Hola"]


@on_sqlite
def test_a_replay_runs_it_again_and_doubles_no_answer(bots: Bots, receive: Receive) -> None:
    bots.load(
        """
        def register(on):
            @on.message
            def answer(message, client): client.reply("again" if client.is_replay else "first")
        """
    )
    receive(message_body(text(timestamp=now(bots))))
    bots.harness.rounds()

    event_id = bots.harness.deliveries()[0].event_id
    replay_event(bots.harness.gateway.database, "bot:answer", event_id, bots.harness.clock())
    bots.harness.pass_by(days=29)
    bots.harness.gateway.sweep_sends._now = bots.harness.clock  # type: ignore[method-assign]
    bots.harness.gateway.sweep_sends.purge()
    bots.harness.rounds()

    assert bots.harness.states() == ["delivered", "delivered"]
    assert bots.said() == ["first"]


def test_a_contacts_messages_come_one_after_the_other_and_contacts_side_by_side(bots: Bots, receive: Receive) -> None:
    bots.load(
        """
        import os, time
        def register(on):
            @on.message
            def answer(message, client):
                # Each waits for the other contact's: they are called at the same time, or fail.
                open(message["message"], "w").close()
                other = message["message"].translate(str.maketrans("ab", "ba"))
                until = time.monotonic() + 10
                while not os.path.exists(other) and time.monotonic() < until: time.sleep(0.005)
                assert os.path.exists(other)
                client.reply(message["message"])
        """
    )
    receive(
        *(message_body(text(f"a{n}", sender=ANA, timestamp=now(bots)), text(f"b{n}", sender=BO, timestamp=now(bots)))
          for n in range(3))
    )  # fmt: skip
    bots.harness.rounds(seconds=30)

    assert bots.harness.states() == ["delivered"] * 6
    assert [said for said in bots.said() if said < "b"] == ["a0", "a1", "a2"]
    assert [said for said in bots.said() if said > "b"] == ["b0", "b1", "b2"]


@on_sqlite
def test_one_that_hangs_or_dies_keeps_nobody_waiting(
    bots: Bots, receive: Receive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(breaker, "SILENCES", 1000)
    bots.load(
        """
        import os, time
        def register(on):
            @on.message
            def hang(message, client): time.sleep(600)
            @on.message
            def die(message, client): os._exit(1)
            @on.message
            def answer(message, client): client.reply(message["message"])
        """,
        processes=3, seconds=600,
    )  # fmt: skip
    with subscriber() as app:
        bots.harness.endpoint(app.url)
        receive(*(message_body(text(f"{n}", sender=f"54911{n:08}", timestamp=now(bots))) for n in range(4)))
        bots.harness.rounds(lambda: len(bots.said()) == 4 and len(app.posted) == 4, seconds=30)
        bots.harness.rounds(lambda: len(bots.harness.attempts()) == 12, seconds=30)
    assert {row.error for row in bots.harness.attempts()} == {None, "the process ended with 1"}

    bots.pools[-1]._seconds = 0.1
    bots.harness.rounds(lambda: len(bots.harness.attempts()) == 16, seconds=30)

    assert [row.error for row in bots.harness.attempts()].count("it took too long and was killed") == 4
    assert bots.pools[-1].serves("bot:hang")


@on_sqlite
def test_one_that_is_gone_from_the_code_keeps_its_history_and_what_it_is_owed_is_dead(
    bots: Bots, receive: Receive, get: Callable[..., Any]
) -> None:
    bots.load(ECHO)
    receive(message_body(text("one", timestamp=now(bots))))
    bots.harness.rounds()
    receive(message_body(text("two", timestamp=now(bots))))

    bots.load("def register(on):\n    @on.message\n    def other(message, client): pass")
    bots.harness.rounds()

    rows = bots.harness.deliveries()
    assert [(row.state, row.reason) for row in rows] == [
        ("delivered", None), ("dead", "the handler is no longer in the code"),
    ]  # fmt: skip
    assert [each["id"] for each in get("/api/endpoints")["data"]] == ["bot:other"]
    assert audit_balance(bots.harness.gateway.database).is_clean

    bots.load(ECHO)  # back again
    assert [each["id"] for each in get("/api/endpoints")["data"]] == ["bot:answer"]
    bots.start(None)
    assert get("/api/endpoints")["data"] == []


@on_sqlite
def test_a_module_that_cannot_be_loaded_is_told_of_and_its_events_wait(
    bots: Bots, receive: Receive, caplog: pytest.LogCaptureFixture
) -> None:
    bots.load(ECHO)
    follow = bots.load("import no_such_thing")
    follow()  # it is tried no more often than it is time to
    with subscriber() as app:
        bots.harness.endpoint(app.url)
        receive(message_body(text(timestamp=now(bots))))
        bots.harness.rounds(lambda: "delivered" in bots.harness.states())
    assert sorted(bots.harness.states()) == ["delivered", "pending"]
    with bots.harness.gateway.database.read() as session:
        (alert,) = alerts.all_open(session)
    assert (alert.kind, alert.subject) == ("handlers_broken", MODULE)
    assert "no_such_thing" in alert.details["reason"]
    assert "run `flask handlers check`" in caplog.text

    write_bot(bots.directory, ECHO)
    bots.pools[-1]._load_at = 0
    follow()
    bots.harness.directory.forget()
    bots.harness.rounds()

    assert bots.said() == ["You said: Hola"]
    with bots.harness.gateway.database.read() as session:
        assert not alerts.all_open(session)


@on_sqlite
def test_a_worker_without_the_handler_leaves_it_to_another(bots: Bots, receive: Receive) -> None:
    bots.load(ECHO)
    receive(message_body(text(timestamp=now(bots))))
    other = Harness(bots.harness.gateway, bots.harness.clock, 8)

    for _ in range(3):
        other.deliver()
    assert bots.harness.states() == ["pending"]
    other.deliver.close()
    bots.harness.rounds()

    assert bots.said() == ["You said: Hola"]


@on_sqlite
def test_a_stop_cuts_off_what_takes_too_long_and_gives_it_back_untried(bots: Bots, receive: Receive) -> None:
    bots.load(
        """
        import os, time
        def register(on):
            @on.message
            def answer(message, client):
                client.reply("before")
                if not os.path.exists("began"):
                    open("began", "w").close()
                    time.sleep(600)
        """
    )
    receive(message_body(text(timestamp=now(bots))))
    bots.harness.rounds((bots.directory / "began").exists)

    bots.pools[-1].begin_stop()
    bots.harness.deliver.close()
    bots.pools[-1].close()

    (row,) = bots.harness.deliveries()
    assert (row.state, row.attempts, row.claim_id) == ("pending", 0, None)
    bots.start(HandlerPool(MODULE, bots.pools[-1]._environ, processes=1, seconds=20))
    bots.harness.rounds()
    assert bots.harness.states() == ["delivered"]
    assert bots.said() == ["before"]


@on_sqlite
def test_what_cannot_be_sent_is_an_error_and_no_other_address_is_made_up(bots: Bots, receive: Receive) -> None:
    bots.load(
        """
        def register(on):
            @on.message
            def answer(message, client):
                for body in ({"type": "text"}, {"message": "a", "mode": "sync"}, {"message": "\\udc00"},
                             {"message": "\\0"}, [], {"message": "x", "phone_number_id": "123456"}):
                    try:
                        client.send(body)
                    except client.Error as error:
                        client.reply(error.code)
                client.reply("quoting", reply_to=message["id"])
                client.send_text_message("+34600111222", "to another", priority="normal")
        """
    )
    receive(message_body(text(timestamp=now(bots))))
    bots.harness.rounds()

    assert bots.said() == [
        "invalid_request", "invalid_request", "malformed", "malformed", "malformed", "not_found", "quoting",
        "to another",
    ]  # fmt: skip
    assert bots.sent()[-2].context
    assert bots.sent()[-1].recipient == "+34600111222"


@on_sqlite
def test_logs_say_which_handler_failed_and_where_and_quote_nothing(
    bots: Bots, receive: Receive, caplog: pytest.LogCaptureFixture
) -> None:
    bots.load("def register(on):\n @on.message\n def answer(message, client):\n  raise ValueError(message['message'])")
    receive(message_body(text("a secret", timestamp=now(bots))))
    bots.harness.rounds()

    (record,) = [record for record in caplog.records if record.getMessage() == "a handler failed"]
    told = record.__dict__
    assert told["endpoint_id"] == "bot:answer"
    assert told["reason"] == "raised ValueError at bot.py:4 in answer"


@on_sqlite
def test_the_api_shows_it_among_the_endpoints_and_leaves_the_code_to_the_code(
    bots: Bots, receive: Receive, client: FlaskClient
) -> None:
    def call(method: str, path: str, body: Any = None) -> Any:
        more = {} if body is None else {"json": body}
        return client.open(path, method=method, headers={"Authorization": f"Bearer {API_KEY}"}, **more)

    bots.load(ECHO)
    path = "/api/endpoints/bot:answer"
    shown = call("GET", path).json
    assert {name: shown[name] for name in ("types", "message_types", "max_age_seconds", "ordered", "state")} == {
        "types": ["message.received"], "message_types": ["text"], "max_age_seconds": 900, "ordered": True,
        "state": "active",
    }  # fmt: skip
    for method, tail, body in (
        ("PATCH", "", {"types": None}), ("PATCH", "", {"url": "https://bot.example"}), ("PATCH", "", {"replies": True}),
        ("DELETE", "", None), ("POST", "/test", None), ("POST", "/rotate-secret", None),
    ):  # fmt: skip
        answer = call(method, path + tail, body)
        assert (answer.status_code, answer.json["error"]["code"]) == (409, "wrong_state"), (method, tail, body)
    assert call("POST", "/api/endpoints", {"url": "https://bot.example", "format": "handler"}).status_code == 422

    assert call("PATCH", path, {"paused": True, "description": "the bot"}).json["state"] == "paused"
    bots.harness.directory.forget()
    receive(message_body(text(timestamp=now(bots))))
    bots.harness.deliver()
    assert bots.harness.states() == ["pending"]
    bots.load(ECHO)  # a new start does not unpause it
    assert call("PATCH", path, {"paused": False}).json["state"] == "active"
    bots.harness.directory.forget()
    bots.harness.rounds()
    assert bots.said() == ["You said: Hola"]


@on_sqlite
def test_what_is_erased_wakes_nobody(bots: Bots, receive: Receive) -> None:
    bots.load(ECHO)
    receive(message_body(text(timestamp=now(bots))))
    with bots.harness.gateway.database.read() as session:
        contact_id = session.scalars(select(Contact.id)).one()
    bots.harness.gateway.erase_contact(contact_id)
    bots.harness.rounds()

    assert bots.said() == []
    assert bots.harness.states() == ["dead"]


def test_it_talks_over_no_person_and_can_hand_a_contact_over(bots: Bots, receive: Receive) -> None:
    bots.load(
        """
        import os, time
        def register(on):
            @on.message
            def answer(message, client):
                if message["message"] == "a person, please":
                    client.handover()
                    client.reply("Somebody will answer.")
                    return
                if message["message"] == "slow":
                    open("began", "w").close()
                    while not os.path.exists("taken over"): time.sleep(0.005)
                client.send_text_message("+34600999888", "to a colleague")
                client.reply("talked over")
        """
    )
    hand_over = bots.harness.gateway.hand_over
    receive(message_body(text("slow", timestamp=now(bots))))
    with bots.harness.gateway.database.read() as session:
        contact_id = session.scalars(select(Contact.id)).one()
    bots.harness.rounds((bots.directory / "began").exists)
    hand_over(contact_id, HandledBy.HUMAN)
    (bots.directory / "taken over").touch()
    bots.harness.rounds()
    bots.harness.pass_by(seconds=7)
    bots.harness.rounds()

    assert bots.harness.states() == ["withheld"]
    assert [row.error for row in bots.harness.attempts()] == ["raised Error: wrong_state at bot.py:14 in answer"]
    assert bots.said() == ["to a colleague"]

    hand_over(contact_id, HandledBy.BOT)
    receive(
        message_body(text("a person, please", timestamp=now(bots))), message_body(text("hello?", timestamp=now(bots)))
    )
    bots.harness.rounds()

    assert bots.harness.states() == ["withheld", "delivered", "withheld"]
    assert bots.said() == ["to a colleague", "Somebody will answer."]


def now(bots: Bots) -> int:
    return int(bots.harness.clock().timestamp())
