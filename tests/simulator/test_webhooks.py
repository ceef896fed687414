from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from flask.testing import FlaskClient

from simulator.settings import CustomerProfile
from tests.simulator.conftest import ANA, NUMBER, QUICK, post_message, write
from tests.simulator.receiver import Receiver

TEXT = {"type": "text", "text": {"body": "Hola"}}


def test_it_reports_sent_delivered_and_read_signed_and_tagged(client: FlaskClient, receiver: Receiver) -> None:
    message_id = post_message(client, **TEXT, biz_opaque_callback_data="g1:7:1").json["messages"][0]["id"]

    statuses = receiver.wait(receiver.statuses, 3)

    assert sorted(status["status"] for status in statuses) == ["delivered", "read", "sent"]
    assert {status["id"] for status in statuses} == {message_id}
    assert {status["biz_opaque_callback_data"] for status in statuses} == {"g1:7:1"}
    assert {status["recipient_id"] for status in statuses} == {ANA}
    assert receiver.bad_signatures == 0


def test_it_prices_the_first_status_alone(client: FlaskClient, receiver: Receiver) -> None:
    post_message(client, **TEXT)

    priced = [status for status in receiver.wait(receiver.statuses, 3) if "pricing" in status]

    assert [(status["status"], status["pricing"]["category"]) for status in priced] == [("sent", "service")]


def test_it_brings_a_customers_message_in_the_shape_of_meta(client: FlaskClient, receiver: Receiver) -> None:
    message_id = write(client, "¿Hola? 👋").json["id"]

    (value,) = receiver.wait(receiver.values, 1)

    user_id = value["contacts"][0]["user_id"]
    assert user_id.startswith("AR.")
    assert value["metadata"] == {"display_phone_number": "15550100100", "phone_number_id": NUMBER}
    assert value["contacts"] == [{"profile": {"name": "Ana"}, "wa_id": ANA, "user_id": user_id}]
    (message,) = value["messages"]
    assert message.pop("timestamp").isdigit()
    assert message == {
        "from": ANA,
        "from_user_id": user_id,
        "id": message_id,
        "type": "text",
        "text": {"body": "¿Hola? 👋"},
    }


def test_it_tries_again_until_it_is_answered_200(client: FlaskClient, receiver: Receiver) -> None:
    receiver.answers = [503, 500, 302]

    write(client)

    assert len(receiver.wait(receiver.messages, 1)) == 1


def test_a_message_counts_as_delivered_once_the_business_has_answered_200(
    client: FlaskClient, receiver: Receiver
) -> None:
    write(client)
    receiver.wait(receiver.messages, 1)

    chat = client.get(f"/simulator/api/chats/{NUMBER}/{ANA}?after=1&wait=5").json

    assert chat["messages"][0]["status"] == "delivered"


def test_it_collects_changes_into_one_notification_when_asked(
    make_client: Callable[..., FlaskClient], receiver: Receiver
) -> None:
    client = make_client(pace=replace(QUICK, batch_for=0.3))

    for number in range(5):
        write(client, str(number))

    assert len(receiver.wait(receiver.messages, 5)) == 5
    assert len(receiver.notifications) == 1


def test_a_free_form_message_fails_outside_the_window(
    make_client: Callable[..., FlaskClient], receiver: Receiver
) -> None:
    client = make_client(enforce_window=True)

    answer = post_message(client, **TEXT)

    assert answer.status_code == 200
    (status,) = receiver.wait(receiver.statuses, 1)
    assert (status["status"], status["errors"][0]["code"]) == ("failed", 131047)


def test_a_customers_message_opens_the_window(make_client: Callable[..., FlaskClient], receiver: Receiver) -> None:
    client = make_client(enforce_window=True)
    write(client)

    post_message(client, **TEXT)

    assert [status["status"] for status in receiver.wait(receiver.statuses, 3)].count("failed") == 0


def test_somebody_without_read_receipts_is_never_reported_to_have_read(
    make_client: Callable[..., FlaskClient], receiver: Receiver
) -> None:
    client = make_client(customers=(CustomerProfile(sends_read_receipts=False), CustomerProfile("34600111222", "Bo")))

    post_message(client, **TEXT)
    post_message(client, **TEXT, to="+34600111222")

    statuses = receiver.wait(receiver.statuses, 5)
    assert [status["recipient_id"] for status in statuses if status["status"] == "read"] == ["34600111222"]


def test_a_hidden_number_is_left_out_rather_than_emptied(
    make_client: Callable[..., FlaskClient], receiver: Receiver
) -> None:
    client = make_client(customers=(CustomerProfile(username="ana.shop", shows_number=False),))
    write(client)
    (value,) = receiver.wait(receiver.values, 1)
    user_id = value["contacts"][0]["user_id"]

    answer = post_message(client, **TEXT, to=None, recipient=user_id)

    assert "from" not in value["messages"][0]
    assert value["contacts"][0] == {"profile": {"name": "Ana", "username": "ana.shop"}, "user_id": user_id}
    assert answer.json["contacts"] == [{"input": user_id, "user_id": user_id}]
    assert all("recipient_id" not in status for status in receiver.wait(receiver.statuses, 3))
