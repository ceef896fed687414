"""What Meta may send, one situation a file under `tests/notifications`, and what is made of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.notifications import ChangeFact, Fact, Item, Unreadable
from app.errors import Malformed
from app.schemas.change import Change
from app.schemas.changes.fields import FIELDS
from app.schemas.inbound.interactive import INTERACTIVE
from app.schemas.inbound.messages import NO_MESSAGES
from app.schemas.inbound.types import TYPES
from app.schemas.notification import parse_notification

FOLDER = Path(__file__).parent.parent / "notifications"
RECEIVED_AT = datetime(2026, 11, 24, 7, tzinfo=UTC)
SITUATIONS = sorted(path.stem for path in FOLDER.glob("*.json"))


def load(name: str) -> dict[str, Any]:
    situation: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())
    return situation


def read(notification: Any) -> list[Item]:
    return parse_notification(json.dumps(notification).encode(), RECEIVED_AT)


def described(item: Item) -> dict[str, Any]:
    """An item as JSON shows it, the fact's fields beside the item's; the name of its kind as `kind`."""
    flat = asdict(item)
    fact = flat.pop("fact")
    plain: dict[str, Any] = json.loads(json.dumps({**flat, **fact}, default=datetime.isoformat))
    return {**plain, "kind": type(item.fact).__name__, "message_of": plain.get("message")}


def assert_says(actual: dict[str, Any], expected: dict[str, Any]) -> None:
    """Compare what is expected to be said; an edit's message is compared in the same way, key by key."""
    wanted = dict(expected)
    inner = wanted.pop("message_of", {})
    assert {key: actual[key] for key in wanted} == wanted
    assert {key: actual["message_of"][key] for key in inner} == inner


@pytest.mark.parametrize("name", SITUATIONS)
def test_it_reads(name: str) -> None:
    situation = load(name)

    items = read(situation["notification"])

    assert [type(item.fact).__name__ for item in items] == [expected["kind"] for expected in situation["expected"]]
    assert [item.position for item in items] == list(range(len(items)))
    for item, expected in zip(items, situation["expected"], strict=True):
        assert_says(described(item), expected)


def test_the_situations_are_many_and_each_says_what_it_is() -> None:
    titles = {load(name)["title"] for name in SITUATIONS}

    assert len(titles) == len(SITUATIONS) >= 120


@pytest.mark.parametrize(
    ("table", "quote"),
    [
        (TYPES, '"type": "{}"'),
        (NO_MESSAGES, '"type": "{}"'),
        (INTERACTIVE, '"type": "{}"'),
        (FIELDS, '"field": "{}"'),
    ],
    ids=["types", "no messages", "interactive", "fields"],
)
def test_every_entry_of_the_tables_has_a_situation(table: dict[str, Any], quote: str) -> None:
    notifications = "".join(json.dumps(load(name)["notification"]) for name in SITUATIONS)

    assert [name for name in table if quote.format(name) not in notifications] == []


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"not json",
        b"[]",
        b"null",
        b"{}",
        b'{"entry":[]}',
        b'{"object":"page","entry":[]}',
        b'{"object":7,"entry":[]}',
        b'{"object":"whatsapp_business_account"}',
        b'{"object":"whatsapp_business_account","entry":null}',
        b"[" * 200_000,
    ],
)
def test_it_refuses_what_is_not_whatsapp(raw: bytes) -> None:
    with pytest.raises(Malformed):
        parse_notification(raw)


def test_it_takes_the_present_for_a_missing_time_when_nobody_says_when_the_bytes_came() -> None:
    raw = json.dumps(load("text_without_timestamp")["notification"]).encode()
    before = datetime.now(UTC)

    [item] = parse_notification(raw)

    assert before <= datetime.fromisoformat(described(item)["timestamp"]) <= datetime.now(UTC)


@pytest.mark.parametrize("name", ["text", "account_update", "state_sync_add", "errors_out_of_band", "group_created"])
def test_the_same_bytes_are_read_the_same_each_time(name: str) -> None:
    notification = load(name)["notification"]

    assert read(notification) == read(notification)


def test_equal_news_has_equal_keys_whatever_the_order_of_its_json() -> None:
    first = {"event": "X", "info": {"a": 1, "b": 2}}
    again = {"info": {"b": 2, "a": 1}, "event": "X"}

    keys = [key_of(first), key_of(again), key_of(first, time=2), key_of(first, account="2"), key_of({"event": "Y"})]

    assert keys[0] == keys[1]
    assert len(set(keys)) == 4


def key_of(value: dict[str, Any], *, time: int = 1, account: str = "1") -> str:
    entry = {"id": account, "time": time, "changes": [{"field": "account_update", "value": value}]}
    [item] = read({"object": "whatsapp_business_account", "entry": [entry]})
    key: str = described(item)["key"]
    return key


def test_reasons_quote_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(message_type: str, value: Any) -> None:
        raise ValueError(f"cannot read {value}")

    monkeypatch.setitem(TYPES, "text", fail)

    [item] = read(load("text")["notification"])

    assert described(item)["reason"] == "Reading it failed with ValueError."


def test_a_change_that_breaks_off_keeps_what_was_read_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(change: Change) -> Iterator[Fact]:
        yield ChangeFact("unknown", {}, "key")
        raise KeyError("34600111222")

    monkeypatch.setitem(FIELDS, "calls", fail)
    change = {"field": "calls", "value": {}}
    neighbour = {"field": "flows", "value": {}}

    items = read({"object": "whatsapp_business_account", "entry": [{"changes": [change, neighbour]}]})

    assert [item.fact for item in items[:2]] == [
        ChangeFact("unknown", {}, "key"),
        Unreadable("Reading the change failed with KeyError.", {}),
    ]
    assert items[2].field == "flows"


def test_thousands_of_items_are_read_with_their_neighbours() -> None:
    message = load("text")["notification"]["entry"][0]["changes"][0]["value"]["messages"][0]
    messages = [{**message, "id": f"wamid.{n}"} if n % 2 else n for n in range(4000)]
    change = {"field": "messages", "value": {"messages": messages}}

    items = read({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [change]}]})

    assert len(items) == 4000
    assert sum(isinstance(item.fact, Unreadable) for item in items) == 2000


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)


@given(JSON)
def test_arbitrary_json_is_read_or_refused(body: Any) -> None:
    try:
        read(body)
    except Malformed:
        pass


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    """A known situation with arbitrary JSON put in some places of it."""
    body = load(draw(st.sampled_from(SITUATIONS)))["notification"]
    for _ in range(draw(st.integers(1, 3))):
        holder: Any = body["entry"]
        while isinstance(holder, (list, dict)) and holder:
            key = draw(st.sampled_from(sorted(holder) if isinstance(holder, dict) else range(len(holder))))
            inner = holder[key]
            if not isinstance(inner, (list, dict)) or not inner or draw(st.integers(0, 5)) == 0:
                holder[key] = draw(JSON)
                break
            holder = inner
    return body


@settings(max_examples=400, deadline=None)
@given(mutated())
def test_any_value_may_be_of_any_type_anywhere(body: Any) -> None:
    items = read(body)

    assert [item.position for item in items] == list(range(len(items)))
    failures = [item.fact.reason for item in items if isinstance(item.fact, Unreadable)]
    assert not [reason for reason in failures if "failed with" in reason]
