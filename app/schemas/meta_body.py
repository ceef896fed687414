"""A kept notification as Meta's own JSON again, for apps that were written for Meta."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from app.clean_json import decode
from app.domain import tags
from app.errors import Malformed
from app.schemas.change import Change
from app.schemas.changes.fields import read_change
from app.schemas.lenient import as_list, as_object, as_text
from app.schemas.notification import read_notification

Json = dict[str, Any]
Wanted = Mapping[int, str | None]
"""Items by position, each with what the caller attached to the message that it is about."""

_CALLBACK = "biz_opaque_callback_data"
_PEOPLE = ("from", "from_user_id", "to", "to_user_id", "recipient_id", "recipient_user_id", "recipient_participant_id")
_NOW = datetime(1970, 1, 1, tzinfo=UTC)


def meta_body(raw: bytes, wanted: Wanted) -> bytes | None:
    """Return the body that holds these items alone; None when the notification has none of them.

    It is the bytes as received where these are all there are and no tag of ours is inside. A caller's own data take
    the place of our tag.
    """
    try:
        count = len(read_notification(raw))
    except Malformed:
        return None
    tree = decode(raw)
    if set(range(count)) == set(wanted) and not _has_tag(tree):
        return raw
    entries, position = [], 0
    for entry in as_list(tree["entry"]):
        changes = []
        for change in as_list(as_object(entry).get("changes")) or [entry]:
            if not isinstance(change, dict) or change is entry:
                position += 1
                continue
            read = Change(as_text(change.get("field")) or "", change.get("value"), None, None, _NOW)
            facts = _count(read)
            here = {place: wanted[position + place] for place in range(facts) if position + place in wanted}
            position += facts
            if here:
                changes.append({**change, "value": _cut(read, here, facts)})
        if changes:
            entries.append({**entry, "changes": changes})
    if not entries:
        return None
    return json.dumps({**tree, "entry": entries}, ensure_ascii=False, separators=(",", ":")).encode()


def _count(change: Change) -> int:
    return len(list(_facts(change)))


def _facts(change: Change) -> Any:
    try:
        yield from read_change(change)
    except Exception:  # it was read as one item that cannot be read
        yield None


def _cut(change: Change, wanted: Wanted, count: int) -> Any:
    """The value with these elements of its lists; whole where its items are no elements of lists.

    Items beyond the elements are those of its other lists, which stay together.
    """
    if not isinstance(change.value, dict) or count == 1:
        return _untagged(change.value, next(iter(wanted.values())))
    names = ("messages", "statuses") if change.field == "messages" else tuple(change.value)
    lists = {name: some for name in names if name != "contacts" and isinstance(some := change.value.get(name), list)}
    elements = [(name, element) for name, some in lists.items() for element in some]
    kept: dict[str, list[Any]] = {}
    for place, (name, element) in enumerate(elements):
        if place in wanted:
            kept.setdefault(name, []).append(_untagged(element, wanted[place]))
    has_rest = any(place >= len(elements) for place in wanted)
    cut = {}
    for name, value in change.value.items():
        if name == "contacts":
            cut[name] = _known_to(value, [element for some in kept.values() for element in some])
        elif not isinstance(value, list) or (has_rest and name not in lists):
            cut[name] = _untagged(value, None)
        elif name in kept:
            cut[name] = kept[name]
    return cut


def _known_to(contacts: Any, elements: list[Any]) -> Any:
    """The contacts that elements speak of, since apps read the first one; all of them where nobody can tell."""
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
