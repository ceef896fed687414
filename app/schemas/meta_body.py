"""A kept notification as Meta's own JSON again, for apps that were written for Meta: one item of it a body."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from app.domain import tags
from app.errors import Malformed
from app.schemas.change import Change
from app.schemas.changes.fields import read_change
from app.schemas.clean import decode
from app.schemas.lenient import as_list, as_object, as_text
from app.schemas.notification import read_notification

Json = dict[str, Any]
_CALLBACK = "biz_opaque_callback_data"
_NOW = datetime(1970, 1, 1, tzinfo=UTC)


def meta_body(raw: bytes, position: int, callback_data: str | None) -> bytes | None:
    """Return the body that holds the item at `position` alone; None when the notification has no such item.

    It is the bytes as received where that item is all there is and no tag of ours is inside. `callback_data` is what
    the caller attached to the message that a status is about, and takes our tag's place.
    """
    try:
        items = read_notification(raw)
    except Malformed:
        return None
    if position >= len(items):
        return None
    tree = decode(raw)
    if len(items) == 1 and not _has_tag(tree):
        return raw
    found = _find(tree, position)
    if found is None:
        return None
    entry, change = found
    body = {**tree, "entry": [{**entry, "changes": [_untagged(change, callback_data)]}]}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _find(tree: Json, position: int) -> tuple[Json, Json] | None:
    """The entry, and the change with nothing in it but the item."""
    left = position
    for entry in as_list(tree["entry"]):
        for change in as_list(as_object(entry).get("changes")) or [entry]:
            if not isinstance(change, dict) or change is entry:
                left -= 1
                continue
            read = Change(as_text(change.get("field")) or "", change.get("value"), None, None, _NOW)
            count = _count(read)
            if left < count:
                return entry, {**change, "value": _cut(read, left, count)}
            left -= count
    return None


def _count(change: Change) -> int:
    return len(list(_facts(change)))


def _facts(change: Change) -> Any:
    try:
        yield from read_change(change)
    except Exception:  # it was read as one item that cannot be read
        yield None


def _cut(change: Change, place: int, count: int) -> Any:
    """The value with one element of its lists; whole where its items are no elements of lists."""
    if not isinstance(change.value, dict) or count == 1:
        return change.value
    names = ("messages", "statuses") if change.field == "messages" else tuple(change.value)
    lists = [(name, change.value.get(name)) for name in names if name != "contacts"]
    elements = [(name, element) for name, some in lists if isinstance(some, list) for element in some]
    return change.cut(*elements[place]) if place < len(elements) else change.value


def _has_tag(tree: Any) -> bool:
    if isinstance(tree, dict):
        return tags.read(as_text(tree.get(_CALLBACK))) is not None or any(map(_has_tag, tree.values()))
    return isinstance(tree, list) and any(map(_has_tag, tree))


def _untagged(tree: Any, callback_data: str | None) -> Any:
    if isinstance(tree, list):
        return [_untagged(each, callback_data) for each in tree]
    if not isinstance(tree, dict):
        return tree
    kept = {name: _untagged(value, callback_data) for name, value in tree.items()}
    if tags.read(as_text(tree.get(_CALLBACK))) is not None:
        kept.pop(_CALLBACK)
        if callback_data is not None:
            kept[_CALLBACK] = callback_data
    return kept
