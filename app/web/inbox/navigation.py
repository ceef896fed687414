"""The parts of the inbox that the navigation shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Flask, current_app, request
from flask_babel import lazy_gettext as _
from flask_wtf.csrf import generate_csrf

from app.domain.people import Role
from app.web.inbox.access import somebody
from app.web.inbox.assets import asset, icon


@dataclass(frozen=True, slots=True)
class Item:
    """One part: its first page's endpoint, what it is called, its icon, and whose it is."""

    endpoint: str
    label: Any
    icon: str
    role: Role = "agent"


ITEMS = (
    Item("inbox_conversations.index", _("Chats"), "chat-dots"),
    Item("inbox_story.index", _("Find"), "search"),
    Item("inbox_house.index", _("System"), "speedometer2", "admin"),
    Item("inbox_choices.index", _("Replies"), "lightning-charge", "admin"),
    Item("inbox_people.index", _("People"), "people", "admin"),
    Item("inbox_keys.index", _("API keys"), "key", "admin"),
    Item("inbox_me.index", _("You"), "person-circle"),
)
"""Those whose endpoint is registered are shown."""


def init_app(app: Flask) -> None:
    """Give templates what the shell needs."""
    app.jinja_env.globals.update(
        asset=asset, csrf_token=generate_csrf, icon=icon, navigation=navigation, somebody=somebody
    )


def navigation() -> list[tuple[Item, bool]]:
    """Return the parts that this person may use, each with whether the present page is of it."""
    who = somebody()
    if who is None:
        return []
    shown = [item for item in ITEMS if item.endpoint in current_app.view_functions and who.may(item.role)]
    return [(item, item.endpoint.partition(".")[0] == request.blueprint) for item in shown]
