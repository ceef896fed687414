"""The filters above the list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import url_for
from flask_babel import gettext as _

from app.web.context import gateway
from app.web.inbox.asked import Asked
from app.web.inbox.listing import Names


@dataclass(frozen=True, slots=True)
class Filter:
    """One filter: its name, what it is called, the page that shows what fits it, and how many do, where known."""

    name: str
    label: str
    url: str
    is_on: bool
    count: int = 0


def filters_of(asked: Asked, numbers: tuple[str, ...] | None, names: Names) -> dict[str, Any]:
    """Return the filters for the template of the list."""
    counts = gateway().conversations.counts(numbers)
    words = {
        "all": _("All"), "unread": _("Unread"), "mine": _("Mine"), "unassigned": _("Unassigned"),
        "waiting": _("Waiting"), "failed": _("Failed"), "closed": _("Closed"),
    }  # fmt: skip
    known = {"unread": counts.unread, "waiting": counts.waiting}
    return {
        "filters": [
            Filter(name, str(label), _url(asked, show=name), asked.which == name, known.get(name, 0))
            for name, label in words.items()
        ],
        "number_filters": [
            Filter(key, label, _url(asked, number="" if asked.number == key else key), asked.number == key)
            for key, label in names.numbers.items()
        ],
        "label_filters": [
            Filter(each.id, each.name, _url(asked, label="" if is_on else each.id), is_on)
            for each in gateway().labels.all()
            for is_on in (asked.label == each.id,)
        ],
        "kept_filters": [(name, value) for name, value in asked.query().items() if name != "q"],
    }


def _url(asked: Asked, **changes: str) -> str:
    return url_for("inbox_conversations.index", **asked.query(**changes))
