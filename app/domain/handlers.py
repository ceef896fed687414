"""The user's Python handlers: what each is called, and which events it wants."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from app.domain.known_names import EVENT_TYPES, MESSAGE_TYPES, REPORTED_STATUSES, UnknownName, check

LONGEST_ID = 36


@dataclass(frozen=True, slots=True)
class Handler:
    """One function of the user's, as its module registered it. `name` is `module:function`, and stays.

    `types` are of events, `message_types` of messages, `statuses` of reports; None wants all of them.
    """

    name: str
    types: tuple[str, ...] | None
    message_types: tuple[str, ...] | None
    statuses: tuple[str, ...] | None
    max_age_seconds: int | None

    @property
    def id(self) -> str:
        """Its id among the endpoints: the name itself, or the beginning of a long one and a digest of all of it."""
        if len(self.name) <= LONGEST_ID:
            return self.name
        return f"{self.name[:27]}~{hashlib.sha256(self.name.encode()).hexdigest()[:8]}"


def may_wake(message: dict[str, Any]) -> bool:
    """Whether a message may wake a handler: one that a customer writes now, to a number that is known to be ours, and
    has not taken back."""
    return message.get("source") == "live" and not {"unknown_number", "revoked"} & set(message.get("flags", ()))


_KNOWN = {"types": EVENT_TYPES, "message_types": MESSAGE_TYPES, "statuses": REPORTED_STATUSES}


def from_json(told: dict[str, Any]) -> Handler:
    """A handler as its process told of it. Raises `UnknownName` for a filter that cannot match anything known."""
    for kind, known in _KNOWN.items():
        for name in told[kind] or ():
            try:
                check(name, known, wildcard=kind == "types")
            except UnknownName as wrong:
                raise UnknownName(f"{told['name']}: `{name[:100]}` {wrong}") from None
    lists = {name: told[name] for name in ("types", "message_types", "statuses")}
    return Handler(
        name=told["name"],
        max_age_seconds=told["max_age_seconds"],
        **{name: None if words is None else tuple(words) for name, words in lists.items()},
    )
