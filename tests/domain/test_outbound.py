from typing import Any

import pytest

from app.domain.outbound import summary


@pytest.mark.parametrize(
    ("type_", "content", "line"),
    [
        ("text", {"body": "Hola"}, "Hola"),
        ("image", {"id": "1", "caption": "look"}, "look"),
        ("image", {"id": "1"}, "[image]"),
        ("video", {"link": "https://example.com/a.mp4", "caption": ""}, "[video]"),
        ("document", {"id": "1", "filename": "bill.pdf"}, "[document] bill.pdf"),
        ("document", {"id": "1", "filename": "bill.pdf", "caption": "your bill"}, "your bill"),
        ("document", {"id": "1"}, "[document]"),
        ("audio", {"id": "1"}, "[audio]"),
        ("audio", {"id": "1", "voice": True}, "[voice]"),
        ("sticker", {"id": "1"}, "[sticker]"),
        ("location", {"latitude": 1, "longitude": 2, "name": "Shop", "address": "Main St"}, "[location] Shop, Main St"),
        ("location", {"latitude": 40.41, "longitude": "-3.70"}, "[location] 40.41, -3.70"),
        ("contacts", [{"name": {"formatted_name": "Bo Li"}}, {"name": {"formatted_name": "A"}}], "[contacts] Bo Li, A"),
        ("reaction", {"message_id": "wamid.1", "emoji": "👍"}, "👍"),
        ("reaction", {"message_id": "wamid.1", "emoji": ""}, "[reaction removed]"),
        ("interactive", {"type": "button", "body": {"text": "Sure?"}}, "Sure?"),
        ("interactive", {"type": "product"}, "[product]"),
        ("template", {"name": "hello", "language": {"code": "en"}}, "[template] hello"),
        (
            "template",
            {
                "name": "ready",
                "components": [
                    {"type": "header", "parameters": [{"type": "text", "text": "no"}]},
                    {"type": "body", "parameters": [{"type": "text", "text": "Ana"}, {"type": "text", "text": "5"}]},
                ],
            },
            "[template] ready: Ana, 5",
        ),
        ("pin", {"type": "pin"}, "[pin]"),
        ("poll", {"anything": 1}, "[poll]"),
    ],
)
def test_a_message_has_one_line_that_stands_for_it(type_: str, content: Any, line: str) -> None:
    assert summary(type_, content) == line


@pytest.mark.parametrize("type_", ["text", "image", "document", "location", "contacts", "interactive", "template"])
@pytest.mark.parametrize("content", [None, "text", 5, [], [None], {}, {"body": None}, {"components": 5}])
def test_an_odd_raw_object_still_has_a_line(type_: str, content: Any) -> None:
    assert summary(type_, content)
