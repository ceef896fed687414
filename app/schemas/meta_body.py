"""Build Meta's own JSON from a stored notification, for apps that were written for Meta's webhooks."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from app import compact_json
from app.clean_json import decode
from app.domain import tags
from app.errors import Malformed
from app.schemas.change import Change
from app.schemas.changes.fields import parse_change
from app.schemas.item_paths import Path, item_paths
from app.schemas.lenient import as_list, as_object, as_text
from app.schemas.notification import parse_notification

Json = dict[str, Any]
Wanted = Mapping[int, str | None]
"""The items to include: by position, the callback data that the caller attached to the item's message."""

_CALLBACK = "biz_opaque_callback_data"
_PEOPLE = (
    "from", "from_user_id", "to", "to_user_id", "recipient", "recipient_id", "recipient_user_id",
    "recipient_participant_id", "wa_id", "user_id",
)  # fmt: skip
_NOW = datetime(1970, 1, 1, tzinfo=UTC)


class _Item(NamedTuple):
    """The position of an item: index of the entry, index of the change, and path in the change's value."""

    entry: int
    change: int
    path: Path


def meta_body(raw: bytes, wanted: Wanted) -> bytes | None:
    """Return a body with only these items; None if the notification has none of them or cannot be read.

    Returns the received bytes if all items are wanted and none contains our tag (`domain.tags`). Otherwise the caller's
    own callback data replace the tag.
    """
    try:
        tree, items = _read(raw)
    except Malformed:
        return None
    if set(range(len(items))) == set(wanted) and not _has_tag(tree):
        return raw
    here = {item: wanted[place] for place, item in enumerate(items) if place in wanted}
    if not here:
        return None
    entries = [_entry(tree, number, here, items) for number in dict.fromkeys(item.entry for item in here)]
    return compact_json.encode({**tree, "entry": entries}).encode()


def _entry(tree: Json, number: int, here: Mapping[_Item, str | None], items: Collection[_Item]) -> Any:
    entry = as_list(tree["entry"])[number]
    if not as_list(as_object(entry).get("changes")):
        return entry
    changes = []
    for place in dict.fromkeys(item.change for item in here if item.entry == number):
        change = as_list(entry["changes"])[place]
        if isinstance(change, dict):
            mine = {item.path: own for item, own in here.items() if item[:2] == (number, place)}
            every = [item.path for item in items if item[:2] == (number, place)]
            change = {**change, "value": _cut(change.get("value"), mine, every)}
        changes.append(change)
    return {**entry, "changes": changes}


@lru_cache(maxsize=2)
def _read(raw: bytes) -> tuple[Json, list[_Item]]:
    """Return the parsed notification, which callers must not change, and its items by position. Raises `Malformed`.

    Cached, because the items of a notification are rendered one after the other, and a history has thousands.
    """
    parse_notification(raw)
    tree = decode(raw)
    items: list[_Item] = []
    for number, entry in enumerate(as_list(tree["entry"])):
        for place, change in enumerate(as_list(as_object(entry).get("changes")) or [entry]):
            if not isinstance(change, dict) or change is entry:
                items.append(_Item(number, place, ()))
                continue
            field, value = as_text(change.get("field")) or "", change.get("value")
            count = _count(Change(field, value, None, None, _NOW))
            items += [_Item(number, place, path) for path in item_paths(field, value, count)]
    return tree, items


def _count(change: Change) -> int:
    return len(list(_facts(change)))


def _facts(change: Change) -> Any:
    try:
        yield from parse_change(change)
    except Exception:  # `parse_notification` made one unreadable item of this
        yield None


def _cut(tree: Any, wanted: Mapping[Path, str | None], every: Collection[Path]) -> Any:
    """Return the JSON with only the `wanted` of `every` path. Other lists are removed, other values stay."""
    if () in wanted:
        return _untagged(tree, wanted[()])
    steps = dict.fromkeys(path[0] for path in wanted)
    below = {
        step: ({path[1:]: own for path, own in wanted.items() if path[0] == step},
               [path[1:] for path in every if path[:1] == (step,)])
        for step in steps
    }  # fmt: skip
    if isinstance(tree, list):
        return [_cut(tree[int(step)], *below[step]) for step in steps]
    if 0 in steps:  # a single value in place of a list
        return _cut(tree, *below[0])
    cut = {}
    for name, value in tree.items():
        if name in below:
            cut[name] = _cut(value, *below[name])
        elif name == "contacts":
            cut[name] = _known_to(value, [_at(tree, path) for path in wanted])
        elif not isinstance(value, list) and not any(path[:1] == (name,) for path in every):
            cut[name] = _untagged(value, None)
    return cut


def _at(tree: Any, path: Path) -> Any:
    for step in path:
        tree = tree[step] if isinstance(step, str) or isinstance(tree, list) else tree
    return tree


def _known_to(contacts: Any, elements: list[Any]) -> Any:
    """Return the contacts that these elements name, because apps read only the first contact; all if none matches."""
    names = {as_text(element.get(name)) for element in elements if isinstance(element, dict) for name in _PEOPLE}
    names.discard(None)
    known = [
        contact for contact in as_list(contacts)
        if names & {as_text(as_object(contact).get("wa_id")), as_text(as_object(contact).get("user_id"))}
    ]  # fmt: skip
    return known or contacts


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
