from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import requests
import responses
from flask.testing import FlaskClient
from sqlalchemy import select

from app.container import Gateway
from app.db.database import Database
from app.domain import tags
from app.errors import GraphUnavailable
from app.models import Event, Message, NumberLimit, RecipientLimit, SendAttempt
from app.services.sending.outcomes import MAX_RETRIES_WITHOUT_PERMISSION, MAX_TOKEN_REFUSALS
from app.store import numbers
from tests.conftest import API_KEY, Clock, on_sqlite
from tests.factories import ANA, PNID, message_body, status, status_body, text
from tests.services.sending.conftest import NUMBER_URL, URL, accept_all, bodies, status_of, told, waiting

Queue, Work = Callable[..., str], Callable[..., None]
Post = Callable[..., Any]


def graph_error(code: int, status: int = 400, **more: Any) -> dict[str, Any]:
    return {"status": status, "json": {"error": {"code": code, "message": "x"}}, **more}


def test_a_queued_message_leaves_and_tells_its_wamid(
    queued: Queue, work: Work, accepting: responses.RequestsMock, database: Database, get: Callable[..., Any]
) -> None:
    message_id = queued(callback_data="order-7")
    assert (status_of(database, message_id), len(waiting(database))) == ("queued", 1)

    work()

    message = get(f"/api/messages/{message_id}")
    assert (message["status"], message["message_id"], message["callback_data"]) == ("accepted", "wamid.0", "order-7")
    assert waiting(database) == []
    assert told(database, message_id) == ["accepted"]
    (body,) = bodies(accepting)
    assert (body["to"], body["text"]) == (f"+{ANA}", {"body": "Hola"})
    assert body["biz_opaque_callback_data"] == tags.make(message_id, 1)


@on_sqlite
def test_it_leaves_no_sooner_than_asked(
    queued: Queue, work: Work, now: Clock, accepting: responses.RequestsMock, database: Database
) -> None:
    message_id = queued(send_at=(now.now + timedelta(seconds=30)).isoformat())

    work(20)
    assert status_of(database, message_id) == "queued"
    work(11)
    assert status_of(database, message_id) == "accepted"


def test_answers_overtake_campaigns(queued: Queue, gateway: Gateway, now: Clock) -> None:
    for place in range(40):  # more than are looked at for one turn, and what was asked for last is due first
        at = (now.now + timedelta(milliseconds=500 - 10 * place)).isoformat()
        queued(to=f"+346001112{place:02}", priority="bulk", message=f"bulk {place}", send_at=at)
    for place in range(2):
        queued(to=f"+3460011140{place}", priority="normal", message=f"normal {place}")
        now.pass_by(milliseconds=1)
    queued(to="+34600111333", priority="reply", message="reply")
    order: list[str] = []

    while len(order) < 6:
        now.pass_by(seconds=1)
        order += [json.loads(each.call().payload)["text"]["body"] for each in gateway.sends.exchange((), 1)]

    assert order == ["reply", "normal 0", "normal 1", "bulk 39", "bulk 38", "bulk 37"]


@on_sqlite
def test_one_person_gets_a_burst_and_then_one_in_six_seconds(
    queued: Queue, work: Work, accepting: responses.RequestsMock, database: Database
) -> None:
    for _ in range(48):
        queued()

    work(3)
    assert len(accepting.calls) == 45
    work(6)
    assert len(accepting.calls) == 46
    work(13)
    assert len(accepting.calls) == 48


def test_throttling_slows_the_number_down_and_loses_nothing(
    queued: Queue, work: Work, graph: responses.RequestsMock, database: Database
) -> None:
    graph.post(URL, **graph_error(130429))
    graph.post(URL, json={"messages": [{"id": "wamid.LATER"}]})
    message_id = queued()

    work(0.3)
    assert (status_of(database, message_id), limiter(database).share) == ("queued", 0.8)
    work(15)

    assert status_of(database, message_id) == "accepted"
    assert [row.state for row in tries(database)] == ["refused", "accepted"]
    assert [tags.read(body["biz_opaque_callback_data"]) for body in bodies(graph)] == [(message_id, 1), (message_id, 2)]


@on_sqlite
def test_a_pair_that_is_too_fast_parks_that_person_alone(
    queued: Queue, work: Work, graph: responses.RequestsMock, database: Database
) -> None:
    def answer(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        to_ana = json.loads(request.body or "")["to"] == f"+{ANA}"
        if to_ana and len(graph.calls) < 3:
            return 400, {}, json.dumps({"error": {"code": 131056}})
        return 200, {}, json.dumps({"messages": [{"id": f"wamid.{len(graph.calls)}"}]})

    graph.add_callback(responses.POST, URL, answer)
    ana, bo = queued(), queued(to="+34600111222")

    work(2)
    assert (status_of(database, ana), status_of(database, bo)) == ("queued", "accepted")
    work(90)
    assert status_of(database, ana) == "accepted"


def test_a_dead_token_pauses_the_queue_until_there_is_another(
    queued: Queue, work: Work, now: Clock, graph: responses.RequestsMock, database: Database, gateway: Gateway,
    get: Callable[..., Any],
) -> None:  # fmt: skip
    graph.post(URL, **graph_error(190, 401))
    graph.get(NUMBER_URL, **graph_error(190, 401))
    old = queued()
    work(5)
    assert (calls(graph), status_of(database, old), limiter(database).paused_for) == ((1, 1), "queued", "auth")
    work(130, step=5)
    assert calls(graph) == (1, 3), "the number is asked about every minute, and no message is risked"

    now.pass_by(minutes=7)
    fresh = queued(to="+34600111222")
    now.pass_by(minutes=7)
    with database.write() as session:
        numbers.save(session, {
            "phone_number_id": PNID, "waba_id": None, "app": "default", "created_at": now(), "updated_at": now(),
            "access_token": gateway.encryptor.encrypt("EAAnew"),
        })  # fmt: skip
    gateway.directory.refresh()
    graph.replace(responses.POST, URL, json={"messages": [{"id": "wamid.NEW"}]})
    graph.replace(responses.GET, NUMBER_URL, json={"id": PNID})
    work(2)

    # What should have gone a quarter of an hour ago may no longer make sense: a person decides.
    assert (status_of(database, old), status_of(database, fresh)) == ("held", "accepted")
    assert told(database, old) == ["held"]
    assert "certainly did not go out" in get(f"/api/messages/{old}")["error"]["title"]


def test_the_log_tells_which_request_a_queued_send_is_of(
    client: FlaskClient, work: Work, graph: responses.RequestsMock, caplog: pytest.LogCaptureFixture
) -> None:
    graph.post(URL, body=requests.ConnectionError("reset"))
    headers = {"Authorization": f"Bearer {API_KEY}", "X-Request-ID": "asked-for-it"}
    body = {"to": f"+{ANA}", "message": "Hola", "mode": "queued", "force": True}
    assert client.post("/send/whatsapp", json=body, headers=headers).status_code == 202

    work()

    told = [record for record in caplog.records if record.getMessage().startswith("no answer from Meta")]
    assert [record.__dict__["request_id"] for record in told] == ["asked-for-it"]


def test_a_token_that_works_after_all_pauses_nothing(
    queued: Queue, work: Work, graph: responses.RequestsMock, database: Database
) -> None:
    graph.post(URL, **graph_error(0, 401))
    graph.get(NUMBER_URL, json={"id": PNID})
    message_id = queued()

    work(30)

    assert (status_of(database, message_id), limiter(database).paused_for) == ("failed", None)
    assert calls(graph)[0] == MAX_TOKEN_REFUSALS + 1, "and a message that alone is refused is given up"


def test_a_permission_code_fails_its_message_alone(
    queued: Queue, work: Work, graph: responses.RequestsMock, database: Database
) -> None:
    def answer(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        if b"odd" in (request.body or b""):  # type: ignore[operator]
            return 403, {}, json.dumps({"error": {"code": 131005}})
        return 200, {}, json.dumps({"messages": [{"id": f"wamid.{len(graph.calls)}"}]})

    graph.add_callback(responses.POST, URL, answer)
    first = queued(message="odd")
    work(90)
    assert status_of(database, first) == "failed"
    assert calls(graph) == (MAX_RETRIES_WITHOUT_PERMISSION + 1, 0)

    good = queued(to="+34600111222")
    work(1)
    second = queued(message="odd")
    work(1)

    assert [status_of(database, each) for each in (good, second)] == ["accepted", "failed"]
    assert calls(graph) == (MAX_RETRIES_WITHOUT_PERMISSION + 3, 0), "at once, since another went with the same token"
    assert limiter(database).paused_for is None


@on_sqlite
def test_a_restricted_account_stops_campaigns_alone(
    queued: Queue, work: Work, graph: responses.RequestsMock, database: Database, post: Post
) -> None:
    graph.post(URL, **graph_error(131048))
    campaign = post("/api/messages/bulk", {"messages": [{"to": f"+3460011122{n}", "message": "x"} for n in range(3)]})
    work(1)
    sent = len(graph.calls)
    graph.replace(responses.POST, URL, json={"messages": [{"id": "wamid.A"}]})

    answer = queued(priority="reply")
    work(5)
    assert status_of(database, answer) == "accepted"
    assert (len(graph.calls), len(waiting(database))) == (sent + 1, 3)

    batch = campaign.get_json()["batch"]
    assert post(f"/api/batches/{batch}/resume").status_code == 200
    work(5)
    assert waiting(database) == []


@on_sqlite
def test_after_two_doubts_meta_is_asked_and_no_message_risked(
    queued: Queue, work: Work, graph: responses.RequestsMock, database: Database
) -> None:
    graph.post(URL, body=requests.ReadTimeout())
    graph.get(NUMBER_URL, body=requests.ReadTimeout())
    ids = [queued(to=f"+3460011{n:04}") for n in range(40)]

    work(3)
    first, _ = calls(graph)
    work(3600, step=5)
    assert first <= 10 and calls(graph)[0] == first and calls(graph)[1] > 100
    statuses = [status_of(database, each) for each in ids]
    assert statuses.count("unknown") == first

    well_again(graph)
    work(30)
    assert [status_of(database, each) for each in ids].count("queued") == 0


@on_sqlite
def test_where_only_sends_get_no_answer_few_are_risked(
    queued: Queue, work: Work, graph: responses.RequestsMock, database: Database
) -> None:
    graph.post(URL, body=requests.ReadTimeout())
    graph.get(NUMBER_URL, json={"id": PNID})
    for n in range(90):
        queued(to=f"+3460011{n:04}")

    work(3600, step=5)

    assert 3 <= calls(graph)[0] <= 25


@on_sqlite
def test_a_page_of_somebody_elses_is_sent_again_when_reports_have_settled_the_rest(
    queued: Queue, work: Work, now: Clock, graph: responses.RequestsMock, database: Database, gateway: Gateway,
    receive: Callable[..., None], get: Callable[..., Any],
) -> None:  # fmt: skip
    graph.post(URL, status=502, body="<html>Bad Gateway</html>")
    graph.get(NUMBER_URL, json={"id": PNID})
    page = queued()
    work(1)
    now.pass_by(seconds=601)
    gateway.sweep_sends.resolve_unknown()
    assert status_of(database, page) == "held"
    assert get(f"/api/messages/{page}")["error"]["details"] == "held: unlikely"
    graph.replace(responses.POST, URL, body=requests.ReadTimeout())
    lost = queued(to="+34600111222")
    work(20)
    now.pass_by(seconds=601)
    gateway.sweep_sends.resolve_unknown()
    gateway.sweep_sends.resend_unlikely()
    assert [status_of(database, each) for each in (page, lost)] == ["held", "held"]

    well_again(graph)
    later = queued(to="+34600111333")
    work(700, step=5)
    receive(status_body(status(get(f"/api/messages/{later}")["message_id"], "delivered")))
    assert gateway.sweep_sends.resend_unlikely() == 1
    work(10)

    assert status_of(database, later) == "delivered"
    assert status_of(database, lost) == "held", "nobody knows of that one"
    assert status_of(database, page) in ("accepted", "delivered") and tries(database)[-1].number == 2


@on_sqlite
def test_waiting_for_a_probe_costs_a_recipient_nothing(
    queued: Queue, work: Work, now: Clock, graph: responses.RequestsMock, database: Database
) -> None:
    graph.post(URL, body=requests.ReadTimeout())
    for number in range(40):
        queued(to=f"+3460011{number:04}")

    work(20)

    still = {row.recipient for row in waiting(database)}
    assert still
    with database.read() as session:
        recipient_limiters = session.scalars(select(RecipientLimit).where(RecipientLimit.recipient.in_(still)))
        assert all(recipient_limiter.paid_until <= now.now for recipient_limiter in recipient_limiters)


def test_nothing_that_may_have_gone_out_is_sent_again(
    queued: Queue, work: Work, now: Clock, graph: responses.RequestsMock, database: Database, gateway: Gateway,
    receive: Callable[..., None], post: Post,
) -> None:  # fmt: skip
    graph.post(URL, body=requests.ReadTimeout())
    message_id = queued()

    work(60)
    now.pass_by(seconds=601)
    gateway.sweep_sends.resolve_unknown()

    assert (len(graph.calls), status_of(database, message_id)) == (1, "held")
    assert post(f"/api/messages/{message_id}/cancel").get_json()["status"] == "cancelled"
    receive(status_body(status("wamid.LATE", "delivered", biz_opaque_callback_data=tags.make(message_id, 1))))
    assert status_of(database, message_id) == "delivered"


@on_sqlite
def test_resending_is_a_choice(
    queued: Queue, work: Work, now: Clock, graph: responses.RequestsMock, database: Database, gateway: Gateway,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(gateway.sweep_sends, "_limits", replace(gateway.sweep_sends._limits, resends_unknown=True))
    graph.post(URL, body=requests.ReadTimeout())
    message_id = queued()
    work(1)
    graph.replace(responses.POST, URL, json={"messages": [{"id": "wamid.A"}]})
    now.pass_by(seconds=601)

    assert gateway.sweep_sends.resolve_unknown() == 1
    work(1)

    assert status_of(database, message_id) == "accepted"
    assert [row.number for row in tries(database)] == [1, 2]


@pytest.mark.parametrize("answer", [{"body": GraphUnavailable(meta={"reason": "refused"})}, graph_error(131057)])
def test_what_is_certain_not_to_have_gone_goes_later(
    queued: Queue, work: Work, graph: responses.RequestsMock, database: Database, answer: dict[str, Any]
) -> None:
    graph.post(URL, **answer)
    message_id = queued()
    work(1)
    assert status_of(database, message_id) == "queued"

    graph.replace(responses.POST, URL, json={"messages": [{"id": "wamid.A"}]})
    work(100)

    assert status_of(database, message_id) == "accepted"


@on_sqlite
def test_a_retry_that_meta_calls_hopeless_ends(
    queued: Queue, work: Work, graph: responses.RequestsMock, database: Database
) -> None:
    graph.post(URL, **graph_error(135000))
    message_id = queued()

    work(60)

    assert (status_of(database, message_id), len(graph.calls)) == ("failed", 2)
    assert told(database, message_id) == ["failed"]


def test_a_refusal_that_is_a_wish_is_kept_for_the_next_send(
    queued: Queue, work: Work, graph: responses.RequestsMock, database: Database, post: Post
) -> None:
    graph.post(URL, **graph_error(131050))
    offer = {"type": "template", "template": {"name": "offer", "language": {"code": "es"}}, "message": None}
    message_id = queued(**offer)

    work(2)

    assert (status_of(database, message_id), told(database, message_id)) == ("failed", ["failed"])
    again = post("/send/whatsapp", {"to": f"+{ANA}", "mode": "queued", **offer})
    assert again.get_json()["error"]["code"] == "opted_out"
    with database.read() as session:
        (data,) = session.scalars(select(Event.data).where(Event.type == "contact.updated"))
    assert json.loads(data)["reason"] == "opted_out"


@on_sqlite
def test_the_other_form_of_a_number_is_tried_once_and_remembered(
    queued: Queue, work: Work, graph: responses.RequestsMock, database: Database, post: Post
) -> None:
    def answer(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        if json.loads(request.body or "")["to"] == f"+{ANA}":
            return 400, {}, json.dumps({"error": {"code": 131030}})
        return 200, {}, json.dumps({"messages": [{"id": f"wamid.{len(graph.calls)}"}]})

    graph.add_callback(responses.POST, URL, answer)
    assert post("/send/whatsapp", {"to": f"+{ANA}", "message": "now"}).status_code == 200
    message_id = queued()
    work(1)

    assert status_of(database, message_id) == "accepted"
    assert [body["to"] for body in bodies(graph)] == [f"+{ANA}", "+541112345678", "+541112345678"]


def test_what_waited_too_long_expires_and_says_so(
    queued: Queue, work: Work, now: Clock, accepting: responses.RequestsMock, database: Database, gateway: Gateway
) -> None:
    message_id = queued(expires_at=(now.now + timedelta(seconds=60)).isoformat())
    now.pass_by(seconds=61)

    work(1)
    assert gateway.sweep_sends.expire() == 1

    assert (status_of(database, message_id), len(accepting.calls)) == ("expired", 0)
    assert told(database, message_id) == ["expired"]


@on_sqlite
def test_a_free_form_send_expires_with_its_window(
    queued: Queue, now: Clock, receive: Callable[..., None], database: Database
) -> None:
    receive(message_body(text(timestamp=int(now.now.timestamp()) - 20 * 3600)))

    queued()

    (row,) = waiting(database)
    assert timedelta(hours=4) <= row.expires_at - now.now <= timedelta(hours=4, minutes=10)


ACTIONS = {
    "retry": {"failed", "held", "expired", "cancelled"},
    "cancel": {"queued", "held"},
    "mark-sent": {"held", "unknown"},
}


@on_sqlite
@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize(
    "state", ["queued", "sending", "accepted", "delivered", "failed", "unknown", "held", "cancelled", "expired"]
)
def test_an_action_is_possible_in_its_states_alone(
    queued: Queue, now: Clock, post: Post, database: Database, action: str, state: str
) -> None:
    message_id = queued()
    with database.write() as session:
        if state != "queued":
            session.delete(waiting(database)[0])
        message = session.get(Message, message_id)
        assert message is not None
        message.status = state

    response = post(f"/api/messages/{message_id}/{action}")

    assert response.status_code == ((202 if action == "retry" else 200) if state in ACTIONS[action] else 409)
    if response.status_code == 409:
        assert (response.get_json()["error"]["code"], status_of(database, message_id)) == ("wrong_state", state)


def test_a_retried_message_has_a_try_and_a_wamid_of_its_own(
    queued: Queue, work: Work, graph: responses.RequestsMock, database: Database, post: Post, get: Callable[..., Any]
) -> None:
    graph.post(URL, **graph_error(131026))
    message_id = queued()
    work(1)
    graph.replace(responses.POST, URL, json={"messages": [{"id": "wamid.SECOND"}]})

    assert post(f"/api/messages/{message_id}/retry").status_code == 202
    work(1)

    message = get(f"/api/messages/{message_id}")
    assert (message["status"], message["message_id"], message["error"]) == ("accepted", "wamid.SECOND", None)
    assert told(database, message_id) == ["failed", "queued", "accepted"]


@on_sqlite
def test_a_late_failure_of_an_earlier_try_does_not_stop_the_next(
    queued: Queue, now: Clock, work: Work, graph: responses.RequestsMock, database: Database, post: Post,
    receive: Callable[..., None], gateway: Gateway,
) -> None:  # fmt: skip
    graph.post(URL, body=requests.ReadTimeout())
    message_id = queued()
    work(1)
    now.pass_by(seconds=601)
    gateway.sweep_sends.resolve_unknown()
    post(f"/api/messages/{message_id}/retry")
    receive(status_body(status("wamid.1ST", "failed", biz_opaque_callback_data=tags.make(message_id, 1))))
    graph.replace(responses.POST, URL, json={"messages": [{"id": "wamid.2ND"}]})

    work(30)

    assert status_of(database, message_id) == "accepted"


@on_sqlite
def test_the_same_key_queues_once(queued: Queue, work: Work, accepting: responses.RequestsMock, post: Post) -> None:
    body = {"to": f"+{ANA}", "message": "Hola", "mode": "queued"}
    first, second = (post("/send/whatsapp", body, **{"Idempotency-Key": "k"}) for _ in range(2))
    work(1)
    third = post("/send/whatsapp", body, **{"Idempotency-Key": "k"})

    assert first.get_json()["id"] == second.get_json()["id"] == third.get_json()["id"]
    assert (second.headers["Idempotent-Replayed"], third.status_code, len(accepting.calls)) == ("true", 200, 1)


def test_a_batch_answers_for_each_and_goes_on_without_the_bad_one(
    work: Work, accepting: responses.RequestsMock, post: Post, get: Callable[..., Any]
) -> None:
    items = [{"to": "+34600111222", "message": "a"}, {"to": "nobody", "message": "b"}, {"to": f"+{ANA}", "message": ""}]

    answer = post("/api/messages/bulk", {"messages": items, "name": "spring"}).get_json()

    assert [each["success"] for each in answer["data"]] == [True, False, False]
    assert "to" in answer["data"][1]["error"]["fields"]
    work(1)
    batch = get(f"/api/batches/{answer['batch']}")
    assert (batch["state"], batch["name"], batch["counts"]) == ("finished", "spring", {"accepted": 1})


def test_a_batch_can_be_paused_resumed_and_given_up(
    work: Work, accepting: responses.RequestsMock, post: Post, database: Database
) -> None:
    items = [{"to": f"+3460011122{n}", "message": "a"} for n in range(4)]
    batch = post("/api/messages/bulk", {"messages": items}).get_json()["batch"]

    assert post(f"/api/batches/{batch}/pause").get_json()["state"] == "paused"
    work(3)
    assert (len(accepting.calls), len(waiting(database))) == (0, 4)
    assert post(f"/api/batches/{batch}/pause").status_code == 409
    post(f"/api/batches/{batch}/resume")
    post(f"/api/batches/{batch}/pause")
    assert post(f"/api/batches/{batch}/cancel").get_json()["counts"] == {"cancelled": 4}
    work(3)
    assert (len(accepting.calls), len(waiting(database))) == (0, 0)


@on_sqlite
def test_a_caller_who_waits_is_told_when_to_come_again(
    post: Post, now: Clock, accepting: responses.RequestsMock, database: Database
) -> None:
    answers = [post("/send/whatsapp", {"to": f"+{ANA}", "message": "x"}) for _ in range(46)]

    assert [each.status_code for each in answers] == [200] * 45 + [429]
    assert 5 <= int(answers[-1].headers["Retry-After"]) <= 7
    assert answers[-1].get_json()["error"]["code"] == "throttled"
    assert len(accepting.calls) == 45


def limiter(database: Database) -> NumberLimit:
    with database.read() as session:
        return session.scalars(select(NumberLimit)).one()


def calls(graph: responses.RequestsMock) -> tuple[int, int]:
    """How many messages Meta was given, and how many questions it was asked."""
    methods = [call.request.method for call in graph.calls]
    return methods.count("POST"), methods.count("GET")


def well_again(graph: responses.RequestsMock) -> None:
    """Meta takes everything again."""
    graph.reset()
    graph.get(NUMBER_URL, json={"id": PNID})
    accept_all(graph)


def tries(database: Database) -> list[SendAttempt]:
    with database.read() as session:
        return list(session.scalars(select(SendAttempt).order_by(SendAttempt.number)))


def test_what_meta_says_is_kept_whatever_it_holds(
    queued: Queue, work: Work, graph: responses.RequestsMock, database: Database, get: Callable[..., Any]
) -> None:
    body = json.dumps({"error": {"code": 131026, "error_data": {"details": "a\x00b \ud800"}}})
    graph.post(URL, status=400, body=body, content_type="application/json")
    message_id = queued()

    work()

    assert status_of(database, message_id) == "failed"
    assert get(f"/api/messages/{message_id}")["error"]["details"] == "a\ufffdb \ufffd"


def test_an_answer_that_cannot_be_recorded_keeps_no_other(
    queued: Queue, work: Work, now: Clock, graph: responses.RequestsMock, database: Database, gateway: Gateway,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    def answer(request: Any) -> tuple[int, dict[str, str], str]:
        to = json.loads(request.body)["to"]
        is_odd = to.endswith("1")
        said = {"error": {"code": 131026}} if is_odd else {"messages": [{"id": f"wamid.{to}"}]}
        return 400 if is_odd else 200, {}, json.dumps(said)

    def breaks(error: Any) -> Any:
        raise ValueError("a bug")

    graph.add_callback(responses.POST, URL, answer)
    monkeypatch.setattr("app.services.sending.record_results.outcomes.status_error", breaks)
    ids = [queued(to=f"+3460000000{number}") for number in range(3)]

    work(1)

    assert [status_of(database, each) for each in ids] == ["accepted", "sending", "accepted"]
    now.pass_by(seconds=gateway.config.graph_timeout_seconds + 31)
    gateway.sweep_sends.reap_orphans()
    assert status_of(database, ids[1]) == "unknown"
    later = queued(to="+34600000009")
    work(1)
    assert status_of(database, later) == "accepted"
