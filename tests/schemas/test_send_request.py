"""Who a message goes to, when and how, and the short form."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from app.domain.outbound import Mode, OutboundRequest, Priority
from app.errors import Invalid, Malformed
from app.schemas.send import SendMessageResponse, read_send_request

TEXT: dict[str, Any] = {"type": "text", "text": {"body": "Hi"}}
TO = {"to": "+34600111222"}


def read(**body: Any) -> OutboundRequest:
    return read_send_request(body, None)


def refused(**body: Any) -> dict[str, list[str]]:
    with pytest.raises(Invalid) as caught:
        read(**body)
    assert caught.value.fields
    return caught.value.fields


def test_the_short_form_is_a_text() -> None:
    request = read(to="+54 9 11 1234-5678", message="Hola")

    assert request == OutboundRequest(type="text", content={"body": "Hola"}, to="+5491112345678")


@pytest.mark.parametrize(
    ("message", "content"),
    [
        ({"message": "look"}, {"link": "https://example.com/a.jpg", "caption": "look"}),
        ({"message": ""}, {"link": "https://example.com/a.jpg"}),
        ({"message": None}, {"link": "https://example.com/a.jpg"}),
        ({}, {"link": "https://example.com/a.jpg"}),
    ],
)
def test_the_short_form_with_a_url_is_an_image(message: dict[str, Any], content: dict[str, str]) -> None:
    request = read(**TO, image_url="https://example.com/a.jpg", **message)

    assert (request.type, request.content) == ("image", content)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"message": ""}, "message"),
        ({"message": 5}, "message"),
        ({"message": "x" * 4097}, "message"),
        ({"message": "x" * 1025, "image_url": "https://example.com/a.jpg"}, "message"),
        ({"image_url": "a.jpg"}, "image_url"),
        ({"image_url": 5, "message": "x"}, "image_url"),
        ({"message": "x", **TEXT}, "message"),
        ({"message": "x", "type": "image", "image": {"id": "1"}}, "message"),
    ],
)
def test_problems_of_the_short_form_have_its_names(body: dict[str, Any], field: str) -> None:
    assert list(refused(**TO, **body)) == [field]


def test_the_short_form_may_say_its_type() -> None:
    assert read(**TO, type="text", message="Hi").content == {"body": "Hi"}


def test_the_one_object_given_says_the_type() -> None:
    assert read(**TO, image={"id": "1"}).type == "image"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ({"to": "+34 600 111 222"}, ("+34600111222", None, None)),
        ({"to": "ES.4411002200330044"}, (None, "ES.4411002200330044", None)),
        ({"recipient": "ES.441"}, (None, "ES.441", None)),
        ({"group_id": "Y2FwaV9n"}, (None, None, "Y2FwaV9n")),
        ({"recipient_type": "group", "to": "Y2FwaV9n"}, (None, None, "Y2FwaV9n")),
        ({"recipient_type": "individual", "to": "+34600111222"}, ("+34600111222", None, None)),
    ],
)
def test_a_message_goes_to_a_number_a_user_id_or_a_group(
    address: dict[str, str], expected: tuple[str | None, ...]
) -> None:
    request = read(**address, **TEXT)

    assert (request.to, request.recipient, request.group_id) == expected


@pytest.mark.parametrize(
    ("address", "field"),
    [
        ({}, "to"),
        ({"to": ""}, "to"),
        ({"to": None}, "to"),
        ({"to": "600111222"}, "to"),
        ({"to": "Ana"}, "to"),
        ({"to": 34600111222}, "to"),
        ({"to": ["+34600111222"]}, "to"),
        ({"recipient": 5}, "recipient"),
        ({"recipient": ""}, "recipient"),
        ({"group_id": 5}, "group_id"),
        ({"group_id": "Y2", "to": "+34600111222"}, "group_id"),
        ({"group_id": "Y2", "recipient": "ES.4"}, "group_id"),
        ({"recipient_type": "everyone", "to": "+34600111222"}, "recipient_type"),
    ],
)
def test_a_message_to_nobody_or_to_two_is_refused(address: dict[str, Any], field: str) -> None:
    assert list(refused(**address, **TEXT)) == [field]


def test_a_national_number_is_read_in_the_default_region() -> None:
    assert read_send_request({"to": "600 111 222", "message": "Hi"}, "ES").to == "+34600111222"


def test_the_number_counts_where_a_user_id_is_given_too() -> None:
    request = read(**TO, recipient="ES.441", **TEXT)

    assert (request.to, request.recipient) == ("+34600111222", None)
    assert [warning.split(":")[0] for warning in request.warnings] == ["recipient"]


def test_everything_of_ours_is_read() -> None:
    request = read(
        **TO,
        **TEXT,
        phone_number_id="700100",
        reply_to="wamid.9",
        mode="queued",
        send_at="2026-11-24T10:00:00+01:00",
        expires_at="2026-11-25T10:00:00Z",
        priority="bulk",
        callback_data="mine",
        force=True,
        recipient_identity_key_hash="abc",
        messaging_account_id=9,
    )

    assert request == OutboundRequest(
        type="text",
        content={"body": "Hi"},
        to="+34600111222",
        phone_number_id="700100",
        reply_to="wamid.9",
        mode=Mode.QUEUED,
        send_at=datetime(2026, 11, 24, 9, tzinfo=UTC),
        expires_at=datetime(2026, 11, 25, 10, tzinfo=UTC),
        priority=Priority.BULK,
        callback_data="mine",
        force=True,
        options={"recipient_identity_key_hash": "abc", "messaging_account_id": "9"},
    )


def test_metas_names_for_ours_are_read() -> None:
    request = read(**TO, **TEXT, context={"message_id": "wamid.9"}, biz_opaque_callback_data="mine")

    assert (request.reply_to, request.callback_data) == ("wamid.9", "mine")


def test_a_message_for_later_is_queued_unless_told() -> None:
    assert read(**TO, **TEXT, send_at="2026-11-24T10:00:00Z").mode is Mode.QUEUED


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"mode": "later"}, "mode"),
        ({"mode": "sync", "send_at": "2026-11-24T10:00:00Z"}, "mode"),
        ({"send_at": "2026-11-24T10:00:00"}, "send_at"),
        ({"send_at": "tomorrow"}, "send_at"),
        ({"send_at": 1795500000}, "send_at"),
        ({"send_at": "2026-11-24T10:00:00Z", "expires_at": "2026-11-24T10:00:00Z"}, "expires_at"),
        ({"priority": "urgent"}, "priority"),
        ({"callback_data": "x" * 513}, "callback_data"),
        ({"callback_data": "a", "biz_opaque_callback_data": "b"}, "callback_data"),
        ({"reply_to": "a", "context": {"message_id": "b"}}, "reply_to"),
        ({"context": "wamid.9"}, "context"),
        ({"context": {}}, "context.message_id"),
        ({"context": {"message_id": "b", "from": "1"}}, "context.from"),
        ({"force": "yes"}, "force"),
        ({"raw": 1}, "raw"),
        ({"phone_number_id": ""}, "phone_number_id"),
        ({"messaging_product": "sms"}, "messaging_product"),
        ({"image": {"id": "1"}}, "image"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_options_that_cannot_be_are_refused_by_name(options: dict[str, Any], field: str) -> None:
    assert list(refused(**TO, **TEXT, **options)) == [field]


def test_all_problems_are_told_at_once() -> None:
    assert set(refused(to="x", type="text", text={"body": ""}, mode="later")) == {"to", "text.body", "mode"}


@pytest.mark.parametrize("type_", [None, "", 5, ["text"], {"a": 1}])
def test_a_message_without_a_type_is_told_which_there_are(type_: Any) -> None:
    fields = refused(**TO, type=type_)

    assert "interactive" in fields["type"][0]


def test_an_unknown_type_is_refused_with_those_that_are_known() -> None:
    fields = refused(**TO, type="poll", poll={"a": 1})

    assert list(fields) == ["type"]
    assert "text, image" in fields["type"][0] and "raw" in fields["type"][0]


def test_raw_passes_an_unknown_type_and_metas_new_fields() -> None:
    request = read(**TO, type="poll", poll=["a"], raw=True, new_option=1, mode="queued")

    assert (request.type, request.content, request.options) == ("poll", ["a"], {"new_option": 1})
    assert (request.raw, request.mode, request.warnings) == (True, Mode.QUEUED, [])


def test_raw_passes_a_known_type_that_meta_extended() -> None:
    assert read(**TO, type="text", text={"body": "Hi", "font": "x"}, raw=True).content == {"body": "Hi", "font": "x"}


def test_raw_loses_what_would_make_another_request_of_the_message() -> None:
    hidden = {"access_token": "x", "appsecret_proof": "x", "method": "delete", "batch": [], "status": "read"}

    assert read(**TO, type="poll", poll={}, raw=True, **hidden, new_option=1).options == {"new_option": 1}


@pytest.mark.parametrize("name", ["status", "access_token", "message", "to", "mode", "type", "image_url", "raw"])
def test_a_field_is_no_type_of_message(name: str) -> None:
    assert "type" in refused(**{**TO, "raw": True, name: "x", "type": name})


def test_raw_still_wants_a_recipient_and_the_object() -> None:
    assert list(refused(type="poll", raw=True)) == ["poll", "to"]


def test_a_reaction_does_not_quote() -> None:
    request = read(**TO, type="reaction", reaction={"message_id": "wamid.1", "emoji": ""}, reply_to="wamid.2")

    assert [warning.split(":")[0] for warning in request.warnings] == ["reply_to"]


def test_what_groups_are_not_documented_for_gets_a_warning() -> None:
    request = read(group_id="Y2", type="location", location={"latitude": 1, "longitude": 2})

    assert [warning.split(":")[0] for warning in request.warnings] == ["type"]


@pytest.mark.parametrize("data", [None, [], "text", 5, True])
def test_anything_but_an_object_is_malformed(data: Any) -> None:
    with pytest.raises(Malformed):
        read_send_request(data, None)


@pytest.mark.parametrize("odd", ["to", "type", "text", "mode", "send_at", "context", "contacts", "interactive", "raw"])
@pytest.mark.parametrize("value", [[], {}, [[]], {"type": {}}, 1e400, 10**30, True, "\x00", "\ud800"])
def test_no_value_of_any_field_breaks_the_reading(odd: str, value: Any) -> None:
    with pytest.raises(Invalid):
        read(**{**TO, "type": odd if odd in ("text", "contacts", "interactive") else "text", odd: value})


def test_no_problem_quotes_what_was_written() -> None:
    fields = refused(to="secret-number", type="text", text={"body": ["secret"]}, mode="secret")

    assert "secret" not in str(list(fields.values()))


def test_an_answer_says_what_became_of_the_message() -> None:
    answer = {"success": True, "message_id": None, "id": "1", "status": "queued", "warnings": ["a"], "token": "x"}

    assert SendMessageResponse().dump(answer) == {
        "success": True,
        "message_id": None,
        "id": "1",
        "status": "queued",
        "warnings": ["a"],
    }


@pytest.mark.parametrize(
    ("short", "content"),
    [
        (
            {"message": "Today?", "buttons": ["Yes", "No"]},
            {
                "type": "button",
                "body": {"text": "Today?"},
                "action": {
                    "buttons": [
                        {"type": "reply", "reply": {"id": "Yes", "title": "Yes"}},
                        {"type": "reply", "reply": {"id": "No", "title": "No"}},
                    ]
                },
            },
        ),
        (
            {"template": {"name": "ready", "language": "es", "parameters": ["Ana"]}},
            {
                "name": "ready",
                "language": {"code": "es"},
                "components": [{"type": "body", "parameters": [{"type": "text", "text": "Ana"}]}],
            },
        ),
    ],
    ids=["buttons", "template"],
)
def test_buttons_and_templates_have_a_short_form(short: Any, content: Any) -> None:
    assert read(**TO, **short).content == content


@pytest.mark.parametrize(
    ("short", "fields"),
    [
        ({"buttons": ["Yes"]}, ["message"]),
        ({"message": "Today?", "buttons": ["Yes", "a title that is far too long"]}, ["buttons.1"]),
        ({"message": "Today?", "buttons": "Yes"}, ["buttons"]),
        ({"template": {"name": "ready", "language": "es", "parameters": ["Ana", 3]}}, ["template.parameters.1"]),
        ({"template": {"name": "ready", "parameters": ["Ana"]}}, ["template.language"]),
    ],
    ids=str,
)
def test_what_is_wrong_with_a_short_form_is_said_under_its_own_names(short: Any, fields: list[str]) -> None:
    with pytest.raises(Invalid) as refused:
        read(**TO, **short)

    assert list(refused.value.fields or {}) == fields
