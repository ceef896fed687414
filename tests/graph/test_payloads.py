import pytest

from app.domain.outbound import OutboundRequest
from app.graph import payloads


def test_a_text_names_product_recipient_type_and_object() -> None:
    payload = payloads.text("+34600111222", "Hola")

    assert payload == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "+34600111222",
        "type": "text",
        "text": {"body": "Hola"},
    }


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ({"to": "+34600111222"}, {"recipient_type": "individual", "to": "+34600111222"}),
        ({"recipient": "ES.441"}, {"recipient_type": "individual", "recipient": "ES.441"}),
        ({"group_id": "Y2FwaV9n"}, {"recipient_type": "group", "to": "Y2FwaV9n"}),
    ],
)
def test_each_kind_of_recipient_has_its_field(address: dict[str, str], expected: dict[str, str]) -> None:
    payload = payloads.message(OutboundRequest(type="text", content={"body": "Hi"}, **address))

    assert {key: payload[key] for key in ("recipient_type", "to", "recipient") if key in payload} == expected


def test_the_quoted_message_and_our_mark_ride_along() -> None:
    request = OutboundRequest(type="text", content={"body": "Hi"}, to="+346", reply_to="ours", callback_data="x")

    payload = payloads.message(request, reply_wamid="wamid.9", callback_data="g1:id:1")

    assert payload["context"] == {"message_id": "wamid.9"}
    assert payload["biz_opaque_callback_data"] == "g1:id:1"


def test_a_reaction_never_quotes() -> None:
    request = OutboundRequest(type="reaction", content={"message_id": "wamid.1", "emoji": ""}, to="+34600111222")

    assert "context" not in payloads.message(request, reply_wamid="wamid.9")


def test_metas_other_fields_go_along_and_replace_none_of_ours() -> None:
    request = OutboundRequest(
        type="text",
        content={"body": "Hi"},
        to="+34600111222",
        options={"recipient_identity_key_hash": "abc", "type": "image"},
    )

    payload = payloads.message(request)

    assert payload["recipient_identity_key_hash"] == "abc"
    assert payload["type"] == "text"


def test_an_unknown_type_is_passed_as_it_came() -> None:
    payload = payloads.message(OutboundRequest(type="poll", content=["a", 1], to="+34600111222", raw=True))

    assert payload["poll"] == ["a", 1]


def test_an_image_without_a_caption_has_none() -> None:
    assert payloads.image("+34600111222", "https://example.com/a.jpg")["image"] == {"link": "https://example.com/a.jpg"}
