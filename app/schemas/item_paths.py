"""The path of each item in Meta's JSON of a change."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from app.schemas.changes.messages import KNOWN_NAMES
from app.schemas.lenient import as_list, as_object

Json = dict[str, Any]
Path = tuple[str | int, ...]
"""Keys of objects and indexes of lists, from the change's value down to the item. Index 0 may stand for a value that
Meta did not put into a list. `()` is the value itself."""

_CONVERSATIONS = ("messages", "statuses", "errors")
_LISTS = {
    "message_echoes": ("message_echoes", "errors"),
    "smb_message_echoes": ("message_echoes", "errors"),
    "smb_app_state_sync": ("state_sync", "errors"),
    "calls": ("calls", "statuses", "errors"),
    "group_lifecycle_update": ("groups", "errors"),
    "group_participants_update": ("groups", "errors"),
    "group_settings_update": ("groups", "errors"),
    "group_status_update": ("groups", "errors"),
    "user_preferences": ("user_preferences", "errors"),
}
"""The lists of a field's value, in the order in which `parse_change` reads them."""


def item_paths(field: str, value: Any, count: int) -> list[Path]:
    """Return the paths of the `count` items that `parse_change` makes of a change, in the same order.

    Every path is `()`, the whole value, if the items do not correspond to elements one to one.
    """
    paths = list(_paths(field, value)) if isinstance(value, dict) and count > 1 else []
    return paths if len(paths) == count else [()] * count


def _paths(field: str, value: Json) -> Iterator[Path]:
    if field in _LISTS:
        yield from _elements(value, _LISTS[field])
    elif field == "history":
        yield from _history(value)
    elif field == "standby":
        yield from _standby(value)
    elif field in ("messages", ""):
        yield from _elements(value, _CONVERSATIONS)
        yield from _new_lists(value, KNOWN_NAMES)


def _elements(value: Json, names: Collection[str]) -> Iterator[Path]:
    for name in names:
        for place in range(len(as_list(value.get(name)))):
            yield name, place


def _new_lists(value: Json, known: Collection[str]) -> Iterator[Path]:
    for name, elements in value.items():
        if name not in known and elements and isinstance(elements, list):
            yield (name,)


def _history(value: Json) -> Iterator[Path]:
    for place, chunk in enumerate(as_list(value.get("history"))):
        here: Path = ("history", place)
        threads = as_list(as_object(chunk).get("threads"))
        for number, thread in enumerate(threads):
            if isinstance(thread, dict):
                for path in _elements(thread, ("messages",)):
                    yield (*here, "threads", number, *path)
            else:
                yield (*here, "threads", number)
        if not threads:
            yield here
        elif as_object(chunk).get("errors"):
            yield (*here, "errors")
    yield from _elements(value, ("messages", "errors"))


def _standby(value: Json) -> Iterator[Path]:
    """Yield the paths of a standby value. Keys outside of `standby` count as part of each of its elements."""
    outer = {name: part for name, part in value.items() if name != "standby"}
    for place, part in enumerate(as_list(value.get("standby", {}))):
        if not isinstance(part, dict):
            yield "standby", place
            continue
        both = {**outer, **part}
        for path in (
            *_elements(both, ("message_echoes", *_CONVERSATIONS)),
            *_new_lists(both, KNOWN_NAMES | {"message_echoes"}),
        ):
            yield ("standby", place, *path) if path[0] in part else path
