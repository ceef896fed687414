"""The blueprint of the house's pages, and what they share."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.web.inbox.access import pages, person
from app.web.inbox.house import words

bp = pages("admin", Blueprint("inbox_house", __name__, url_prefix="/inbox/house"))

PAGE_SIZE = 50
"""Rows of a page of a list."""


def sections() -> list[tuple[str, str]]:
    """Return the endpoint and the name of each page that the house's own navigation shows."""
    return [
        ("inbox_house.index", _("Overview")),
        ("inbox_house.numbers", _("Numbers")),
        ("inbox_house.endpoints", _("Endpoints")),
        ("inbox_house.batches", _("Batches")),
        ("inbox_house.webhooks", _("Webhooks")),
        ("inbox_house.cost", _("Cost")),
        ("inbox_house.alerts", _("Alerts")),
        ("inbox_house.doctor", _("Doctor")),
    ]


def said() -> str | None:
    """Return what the page says about the act that led to it; None if there was none."""
    count = request.args.get("count", "0")
    told = {
        "added": _("It was added."),
        "changed": _("It was changed."),
        "removed": _("It was removed."),
        "retried": _("It is being tried again."),
        "replayed": _("It is being delivered again."),
        "read-again": _("It is being read again."),
        "paused": _("It is paused."),
        "resumed": _("It goes on."),
        "cancelled": _("It was cancelled."),
        "marked": _("It counts as sent."),
        "retried-many": _("Being tried again: %(count)s", count=count if count.isascii() and count.isdigit() else "0"),
    }
    return told.get(request.args.get("said", ""))


_OF_NUMBERS = (
    "token_dead", "token_expiring", "number_paused", "quality_low", "limit_lowered", "queue_stuck", "not_permitted",
)  # fmt: skip
_PAGES: dict[str, tuple[str, dict[str, str]]] = {
    "parked": ("inbox_house.webhooks", {"state": "parked"}),
    "quarantined": ("inbox_house.webhooks", {"state": "quarantined"}),
    **dict.fromkeys(("worker_behind", "work_stuck"), ("inbox_house.webhooks", {"state": "pending"})),
    "sends_held": ("inbox_story.index", {"status": "held"}),
    "sends_held_unsent": ("inbox_story.index", {"status": "held"}),
    "replies_expired": ("inbox_story.index", {"status": "expired"}),
    **dict.fromkeys(("endpoint_failing", "endpoint_disabled", "deliveries_stuck"), ("inbox_house.endpoints", {})),
    **dict.fromkeys(_OF_NUMBERS, ("inbox_house.numbers", {})),
}


def page_about(kind: str) -> str | None:
    """Return the address of the page on which something can be done about alerts of this kind; None without one."""
    endpoint, values = _PAGES.get(kind, (None, {}))
    return None if endpoint is None else url_for(endpoint, **values)  # type: ignore[arg-type]


def back_to(endpoint: str, said: str, **values: Any) -> ResponseReturnValue:
    """Send the browser to a page that says what was done, so that reloading it does not do it again."""
    return redirect(url_for(endpoint, said=said, **values), 303)


def seen_numbers() -> tuple[str, ...] | None:
    """Return the business numbers that the person may see; None for all."""
    numbers = person().numbers
    return None if numbers is None else tuple(sorted(numbers))


@bp.app_context_processor
def helpers() -> dict[str, Any]:
    """Give the templates of the house and of stories their helpers."""
    return {"house_sections": sections, "page_about": page_about, "said": said, "words": words}
