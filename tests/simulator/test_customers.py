from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from simulator.settings import CustomerProfile
from simulator.world.phone_numbers import dialled, forms_of, is_phone_number
from tests.simulator.conftest import ANA, NUMBER, post_message, write
from tests.simulator.receiver import Receiver

CHAT = f"/simulator/api/chats/{NUMBER}/{ANA}"
TEXT = {"type": "text", "text": {"body": "Hola"}}


@pytest.mark.parametrize(
    ("digits", "forms"),
    [
        ("541112345678", ("5491112345678", "541112345678")),
        ("5491112345678", ("5491112345678", "541112345678")),
        ("525512345678", ("5215512345678", "525512345678")),
        ("553187654321", ("5531987654321", "553187654321")),
        ("34600111222", ("34600111222",)),
    ],
)
def test_a_number_is_known_in_its_countrys_forms(digits: str, forms: tuple[str, ...]) -> None:
    assert forms_of(digits) == forms


@pytest.mark.parametrize(
    ("written", "digits"),
    [("+34 600-111-222", "34600111222"), ("34600111222", "34600111222"), ("600111222", "1600111222")],
)
def test_without_a_plus_a_short_number_gets_the_businesss_country(written: str, digits: str) -> None:
    assert dialled(written, "15550100100") == digits


@pytest.mark.parametrize("written", ["", "+", "nobody", "12", "+1234567890123456", "34;600"])
def test_not_everything_is_a_number(written: str) -> None:
    assert not is_phone_number(written)


def test_an_argentine_is_found_without_the_nine(client: FlaskClient) -> None:
    answer = post_message(client, **TEXT, to="+54 11 1234-5678")

    assert answer.json["contacts"] == [{"input": "+54 11 1234-5678", "wa_id": ANA}]


def test_a_test_number_knows_an_argentine_by_one_form_alone(make_client: Callable[..., FlaskClient]) -> None:
    client = make_client(allowed_recipients=("+541112345678",))

    with_nine = post_message(client, **TEXT, to=f"+{ANA}")
    without = post_message(client, **TEXT, to="+541112345678")

    assert with_nine.json["error"]["code"] == 131030
    assert without.json["contacts"][0]["wa_id"] == ANA


def test_a_phone_without_whatsapp_fails_by_status(
    make_client: Callable[..., FlaskClient], receiver: Receiver
) -> None:
    client = make_client(customers=(CustomerProfile(on_whatsapp=False),))

    post_message(client, **TEXT)

    assert receiver.wait(receiver.statuses, 1)[0]["errors"][0]["code"] == 131026


def test_somebody_who_blocked_the_business_cannot_be_reached(client: FlaskClient, receiver: Receiver) -> None:
    client.post(f"{CHAT}/actions", json={"action": "block"})

    post_message(client, **TEXT)

    assert receiver.wait(receiver.statuses, 1)[0]["errors"][0]["code"] == 131026
    assert client.post(f"{CHAT}/actions", json={"action": "unblock"}).json["has_blocked"] is False


def test_an_opt_out_is_told_and_stops_marketing(client: FlaskClient, receiver: Receiver) -> None:
    simulator = client.application.extensions["simulator"]
    body = [{"type": "BODY", "text": "Sale!"}]
    simulator.world.templates.add("900100200300400", "sale", "es", "MARKETING", body, "POSITIONAL").status = "APPROVED"

    client.post(f"{CHAT}/actions", json={"action": "stop_marketing"})
    (value,) = receiver.wait(lambda: receiver.values("user_preferences"), 1)
    post_message(client, type="template", template={"name": "sale", "language": {"code": "es"}})

    (preference,) = value["user_preferences"]
    assert (preference["wa_id"], preference["value"], type(preference["timestamp"])) == (ANA, "stop", int)
    assert receiver.wait(receiver.statuses, 1)[0]["errors"][0]["code"] == 131050


def test_a_new_number_is_told_with_the_old_and_the_new_user_id(client: FlaskClient, receiver: Receiver) -> None:
    write(client)
    (before,) = receiver.wait(receiver.messages, 1)

    after = client.patch(f"/simulator/api/customers/{ANA}", json={"wa_id": "+34 600 111 222"}).json

    system = receiver.wait(receiver.messages, 2)[1]
    assert (system["from"], system["type"]) == (ANA, "system")
    assert system["system"]["type"] == "user_changed_number"
    assert system["system"]["wa_id"] == "34600111222"
    assert system["system"]["previous_user_id"] == before["from_user_id"]
    assert system["system"]["user_id"] == after["user_id"] != before["from_user_id"]
    assert after["user_id"].startswith("ES.")


def test_somebody_hidden_changes_their_user_id_alone(
    make_client: Callable[..., FlaskClient], receiver: Receiver
) -> None:
    client = make_client(customers=(CustomerProfile(shows_number=False),))
    write(client)
    # Webhooks are posted side by side, so the second could arrive before the first.
    receiver.wait(receiver.messages, 1)

    client.patch(f"/simulator/api/customers/{ANA}", json={"wa_id": "34600111222"})

    system = receiver.wait(receiver.messages, 2)[1]
    assert system["system"]["type"] == "user_changed_user_id"
    assert "from" not in system and "wa_id" not in system["system"]
    assert ANA not in str(system)


def test_a_customer_hides_their_number(client: FlaskClient, receiver: Receiver) -> None:
    client.patch(f"/simulator/api/customers/{ANA}", json={"shows_number": False, "username": "ana.shop"})

    write(client)

    (value,) = receiver.wait(receiver.values, 1)
    assert "from" not in value["messages"][0]
    assert value["contacts"][0]["profile"] == {"name": "Ana", "username": "ana.shop"}


@pytest.mark.parametrize("wishes", [{"colour": "blue"}, {"name": 5}, {"shows_number": "no"}, {"wa_id": "1"}])
def test_not_everything_about_a_customer_can_be_changed(client: FlaskClient, wishes: dict[str, Any]) -> None:
    assert client.patch(f"/simulator/api/customers/{ANA}", json=wishes).status_code == 400


def test_the_business_writes_from_its_own_phone(client: FlaskClient, receiver: Receiver) -> None:
    message_id = client.post(f"{CHAT}/echoes", json=TEXT).json["id"]

    (value,) = receiver.wait(lambda: receiver.values("smb_message_echoes"), 1)
    (echo,) = value["message_echoes"]
    assert (echo["id"], echo["from"], echo["to"], echo["text"]) == (message_id, "15550100100", ANA, TEXT["text"])
    assert client.get(CHAT).json["messages"][0]["from_business"] is True


def test_reactions_sit_on_the_message_they_are_about(client: FlaskClient, receiver: Receiver) -> None:
    message_id = write(client).json["id"]
    sent_id = post_message(client, **TEXT).json["messages"][0]["id"]

    post_message(client, type="reaction", reaction={"message_id": message_id, "emoji": "👍"})
    client.post(f"{CHAT}/messages", json={"type": "reaction", "reaction": {"message_id": sent_id, "emoji": "❤️"}})

    messages = client.get(CHAT).json["messages"]
    assert [message["reactions"] for message in messages] == [{"business": "👍"}, {"customer": "❤️"}]
    reaction = next(item for item in receiver.wait(receiver.messages, 2) if item["type"] == "reaction")
    assert reaction["reaction"] == {"message_id": sent_id, "emoji": "❤️"}


def test_a_reply_quotes_what_it_answers(client: FlaskClient, receiver: Receiver) -> None:
    sent_id = post_message(client, **TEXT).json["messages"][0]["id"]
    choice = {"type": "button_reply", "button_reply": {"id": "yes", "title": "Yes"}}

    client.post(f"{CHAT}/messages", json={"type": "interactive", "interactive": choice, "quoted_id": sent_id})

    (message,) = receiver.wait(receiver.messages, 1)
    assert message["context"] == {"from": "15550100100", "id": sent_id}
    assert message["interactive"] == choice


def test_a_voice_note_is_reported_as_played_once(client: FlaskClient, receiver: Receiver) -> None:
    sent = post_message(client, type="audio", audio={"link": "https://example.com/a.ogg", "voice": True})
    message_id = sent.json["messages"][0]["id"]
    receiver.wait(receiver.statuses, 3)

    for _ in range(2):
        client.post(f"{CHAT}/played", json={"message_id": message_id})
    write(client)
    receiver.wait(receiver.messages, 1)

    assert [status["status"] for status in receiver.statuses()].count("played") == 1


def test_a_group_message_is_reported_for_each_member(client: FlaskClient, receiver: Receiver) -> None:
    answer = post_message(client, recipient_type="group", to="Y2FwaV9n", **TEXT)

    statuses = receiver.wait(receiver.statuses, 3)
    assert answer.json["messages"][0]["group_id"] == "Y2FwaV9n"
    assert {status["recipient_id"] for status in statuses} == {"Y2FwaV9n"}
    assert {status["recipient_type"] for status in statuses} == {"group"}
    assert {status["recipient_participant_id"] for status in statuses} == {ANA}


def test_the_window_closes_when_the_clock_is_put_ahead(
    make_client: Callable[..., FlaskClient], receiver: Receiver
) -> None:
    client = make_client(enforce_window=True)
    write(client)

    client.post("/simulator/api/clock", json={"advance_seconds": 24 * 3600})
    post_message(client, **TEXT)

    assert receiver.wait(receiver.statuses, 1)[0]["errors"][0]["code"] == 131047
    assert client.post("/simulator/api/clock", json={"advance_seconds": -1}).status_code == 400
