"""Contacts: a list of them, and one of them."""

from __future__ import annotations

from flask import Blueprint
from flask.typing import ResponseReturnValue

from app.schemas.api.contacts import ContactAnswer
from app.web.api import paging
from app.web.auth import caller, requires
from app.web.context import gateway
from app.web.query import query

bp = requires("read", Blueprint("contacts", __name__, url_prefix="/api/contacts"))

_SCHEMA = ContactAnswer()


@bp.get("")
def index() -> ResponseReturnValue:
    """Newest first. A key bound to numbers sees who wrote with those."""
    limit = query()["limit"]
    found = gateway().contacts.page(limit=limit, before=query().get("cursor"), numbers=caller().numbers)
    return paging.page(_SCHEMA.dump(found, many=True), found[-1].contact.id if len(found) == limit else None)


@bp.get("/<contact_id>")
def show(contact_id: str) -> ResponseReturnValue:
    """One contact, by our id: its names, and what each of our numbers knows of it."""
    found: dict[str, object] = _SCHEMA.dump(gateway().contacts.one(contact_id, caller().numbers))
    return found
