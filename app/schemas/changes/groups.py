"""The four `group_…` fields: one event for each element, with Meta's JSON of that element."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from app.domain.notifications import ChangeFact, Fact
from app.schemas.change import CannotRead, Change, each
from app.schemas.changes.errors import parse_errors
from app.schemas.lenient import as_list


def parse_groups(change: Change) -> Iterator[Fact]:
    """Read that groups were created, changed, joined, left or suspended (Meta: groups)."""
    groups = as_list(change.value.get("groups"))
    if not groups:
        yield change.other("group", change.value)
        return
    yield from each(groups, lambda group: _parse_group(group, change))
    yield from parse_errors(change)


def _parse_group(value: Any, change: Change) -> ChangeFact:
    if not isinstance(value, dict):
        raise CannotRead("The group's news is not an object.")
    return change.other("group", change.cut("groups", value), timestamp=value.get("timestamp"))
