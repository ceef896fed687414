"""Where messages name files, and how Meta's ids get there."""

from __future__ import annotations

from typing import Any

import pytest

from app.domain.media_references import is_our_id, references, with_uploads
from app.ids import new_id

OURS = new_id()


def named(kind: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, kind: {"id": OURS, **more}}


CASES: list[tuple[str, Any, str, str]] = [
    ("image", {"id": OURS, "caption": "x"}, "image.id", "image"),
    ("audio", {"id": OURS}, "audio.id", "audio"),
    ("audio", {"id": OURS, "voice": True}, "audio.id", "voice"),
    ("sticker", {"id": OURS}, "sticker.id", "sticker"),
    ("interactive", {"type": "button", "header": named("video")}, "interactive.header.video.id", "video"),
    (
        "interactive",
        {"action": {"cards": [{"header": named("image")}]}},
        "interactive.action.cards.0.header.image.id",
        "image",
    ),
    (
        "template",
        {"name": "t", "components": [{"type": "header", "parameters": [named("document", filename="a.pdf")]}]},
        "template.components.0.parameters.0.document.id",
        "document",
    ),
    (
        "template",
        {"components": [{"type": "carousel", "cards": [{"components": [{"parameters": [named("image")]}]}]}]},
        "template.components.0.cards.0.components.0.parameters.0.image.id",
        "image",
    ),
]


@pytest.mark.parametrize(("type_", "content", "path", "purpose"), CASES)
def test_every_place_of_a_file_is_found_and_replaced(type_: str, content: Any, path: str, purpose: str) -> None:
    (found,) = references(type_, content)

    assert (found.path, found.purpose, found.key, found.is_ours) == (path, purpose, OURS, True)
    (replaced,) = references(type_, with_uploads(type_, content, {OURS: "4711"}))
    assert (replaced.path, replaced.key, replaced.is_ours) == (path, "4711", False)


def test_other_fields_stay_and_the_content_itself_is_not_changed() -> None:
    content = {"id": OURS, "caption": "x"}

    assert with_uploads("image", content, {OURS: "4711"}) == {"id": "4711", "caption": "x"}
    assert content == {"id": OURS, "caption": "x"}


def test_an_uploaded_link_becomes_an_id() -> None:
    content = {"link": "https://example.com/a.jpg", "caption": "x"}

    (found,) = references("image", content)
    assert (found.key, found.is_link, found.is_ours) == ("https://example.com/a.jpg", True, False)
    assert with_uploads("image", content, {found.key: "1"}) == {"id": "1", "caption": "x"}


@pytest.mark.parametrize(
    ("type_", "content"),
    [
        ("text", {"body": OURS}),
        ("interactive", {"action": {"parameters": {"flow_action_payload": {"data": {"image": {"id": OURS}}}}}}),
        ("contacts", [{"image": 1}]),
        ("image", "text"),
        ("image", {"id": 5}),
        ("image", None),
        ("poll", {"question": {"image": {"id": OURS}}}),
    ],
)
def test_data_that_is_no_file_of_metas_is_left_alone(type_: str, content: Any) -> None:
    assert list(references(type_, content)) == []
    assert with_uploads(type_, content, {OURS: "1"}) == content


def test_ids_of_metas_are_not_ours() -> None:
    assert is_our_id(OURS)
    assert not is_our_id("111222333444555")
    assert not is_our_id(OURS.upper())
