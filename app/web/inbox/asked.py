"""What somebody wants listed, as the query of every page of conversations says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.store.conversation_list import ConversationFilter

FILTERS = ("all", "unread", "mine", "unassigned", "waiting", "failed", "closed")


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody wants listed: one of `FILTERS`, a search, a number and a label."""

    which: str = "all"
    search: str = ""
    number: str = ""
    label: str = ""

    @classmethod
    def read(cls, given: Mapping[str, str]) -> Asked:
        """Return what the query of a page asks for; what is unknown counts as absent."""
        which = given.get("show", "all")
        return cls(
            which if which in FILTERS else "all",
            given.get("q", "")[:200].replace("\x00", "").strip(),
            given.get("number", "")[:40],
            given.get("label", "")[:40],
        )

    def query(self, **changes: str) -> dict[str, Any]:
        """Return the query of a page that asks for this, with changes; what is usual is left out."""
        usual = {"show": self.which if self.which != "all" else "", "q": self.search, "number": self.number,
                 "label": self.label}  # fmt: skip
        return {name: value for name, value in (usual | changes).items() if value and (name, value) != ("show", "all")}

    def filter(self, me: str, numbers: tuple[str, ...] | None) -> ConversationFilter:
        """Return the filter that finds it."""
        assignee = {"mine": me, "unassigned": ""}.get(self.which)
        is_search = bool(self.search) and self.which == "all"
        return ConversationFilter(
            unread=True if self.which == "unread" else None,
            assignee=assignee,
            waiting=True if self.which == "waiting" else None,
            failed=True if self.which == "failed" else None,
            closed=None if is_search else self.which == "closed",
            label=self.label or None,
            phone_number_id=self.number or None,
            numbers=numbers,
        )
