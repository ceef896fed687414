"""What is said of contents is what readers make of messages, and the table in the docs says the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from app.schemas.inbound.types import parse_content
from app.schemas.message_contents import CONTENTS, branches

ROOT = Path(__file__).parents[2]
AS_GIVEN = {"order", "call_permission", "system", "unsupported"}
META: dict[str, tuple[str, Any]] = {
    **{name: (name, {}) for name in CONTENTS},
    "button": ("button", {}),
    "list_reply": ("interactive", {"type": "list_reply", "list_reply": {}}),
    "form": ("interactive", {"type": "nfm_reply", "nfm_reply": {}}),
    "call_permission": ("interactive", {"type": "call_permission_reply", "call_permission_reply": {}}),
}
"""By our type: Meta's, and the least object of it."""


def _is_as_described(message_type: str, content: Any) -> bool:
    message = {"message_type": message_type, "direction": "inbound", "content": content}
    return bool(Draft202012Validator({"allOf": branches()}).is_valid(message))


@pytest.mark.parametrize("name", sorted(CONTENTS))
def test_a_message_of_each_type_has_the_keys_that_are_told(name: str) -> None:
    theirs, value = META[name]

    reading = parse_content(theirs, value)

    assert reading.message_type == name
    if name not in AS_GIVEN:
        assert set(CONTENTS[name]) <= set(reading.content)
    assert _is_as_described(name, reading.content)


def test_every_situation_has_contents_as_described() -> None:
    seen = set()
    for path in (ROOT / "tests" / "notifications").glob("*.json"):
        for fact in json.loads(path.read_text())["expected"]:
            if fact.get("kind") == "MessageFact" and "content" in fact and fact.get("message_type"):
                assert _is_as_described(fact["message_type"], fact["content"]), path.name
                seen.add(fact["message_type"])

    assert seen >= {"text", "image", "contacts", "button", "list_reply", "form", "order"}


def test_a_key_of_another_kind_is_told_from_a_good_one_and_what_was_erased_is_neither() -> None:
    assert not _is_as_described("text", {"body": 7})
    assert _is_as_described("text", {})
    assert _is_as_described("text", "no object at all")


def test_the_table_of_the_docs_names_every_type_and_key() -> None:
    rows = [
        line.split(" | ") for line in (ROOT / "docs" / "messages.md").read_text().splitlines() if line[:2] == "| "
    ]
    told = {name: row[-1] for row in rows for name in CONTENTS | {"contacts": {}} if f"`{name}`" in row[0]}

    assert set(told) == {*CONTENTS, "contacts"}
    for name, keys in CONTENTS.items():
        assert [key for key in keys if f"`{key}`" not in told[name]] == [], name
