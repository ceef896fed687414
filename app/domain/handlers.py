"""The user's Python handlers: their names, and filters for events."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from app.domain.known_names import EVENT_TYPES, MESSAGE_TYPES, REPORTED_STATUSES, UnknownName, check

LONGEST_ID = 36


@dataclass(frozen=True, slots=True)
class Handler:
    """One Python function of the user's, as its module registered it. `name` is `module:function`.

    `types` (of events), `message_types` and `statuses` are filters; None matches all.
    """

    name: str
    types: tuple[str, ...] | None
    message_types: tuple[str, ...] | None
    statuses: tuple[str, ...] | None
    max_age_seconds: int | None

    @property
    def id(self) -> str:
        """Return the id of the handler's endpoint: its name, or the beginning of a long name and a digest of all of
        it."""
        if len(self.name) <= LONGEST_ID:
            return self.name
        return f"{self.name[:27]}~{hashlib.sha256(self.name.encode()).hexdigest()[:8]}"


def may_wake(message: dict[str, Any]) -> bool:
    """Return whether handlers may be called for a message: it is live, not revoked, and its number is configured."""
    return message.get("source") == "live" and not {"unknown_number", "revoked"} & set(message.get("flags", ()))


_KNOWN = {"types": EVENT_TYPES, "message_types": MESSAGE_TYPES, "statuses": REPORTED_STATUSES}


def from_json(registered: dict[str, Any]) -> Handler:
    """Return the handler that a process has registered. Raises `UnknownName` for a filter that can never match."""
    for kind, known in _KNOWN.items():
        for name in registered[kind] or ():
            try:
                check(name, known, wildcard=kind == "types")
            except UnknownName as wrong:
                raise UnknownName(f"{registered['name']}: `{name[:100]}` {wrong}") from None
    lists = {name: registered[name] for name in ("types", "message_types", "statuses")}
    return Handler(
        name=registered["name"],
        max_age_seconds=registered["max_age_seconds"],
        **{name: None if words is None else tuple(words) for name, words in lists.items()},
    )
