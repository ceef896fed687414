"""Contacts: a list of them, and one of them."""

from __future__ import annotations

from flask import Blueprint
from flask.typing import ResponseReturnValue

from app.domain.person_names import names_of
from app.schemas.api.contacts import ContactAnswer, ContactQuery
from app.schemas.api.lists import list_of
from app.store.contact_list import ContactFilter
from app.web.api import paging
from app.web.auth import caller, requires
from app.web.context import gateway
from app.web.openapi.operations import describe
from app.web.query import query

bp = requires("read", Blueprint("contacts", __name__, url_prefix="/api/contacts"))

_SCHEMA = ContactAnswer()


@bp.get("")
@describe("listContacts", "Contacts", {200: list_of(ContactAnswer)}, query=ContactQuery)
def index() -> ResponseReturnValue:
    """List contacts, newest first. A key bound to numbers sees who wrote with those."""
    asked, limit = query(), query()["limit"]
    region = gateway().config.default_region or None
    wanted = ContactFilter(
        names=tuple(names_of(asked[name], region) for name in ("phone", "user_id") if name in asked),
        words=tuple(asked.get("q", ())),
        username=asked.get("username"),
        phone_number_id=asked.get("number"),
    )
    found = gateway().contacts.page(limit=limit, before=asked.get("cursor"), numbers=caller().numbers, wanted=wanted)
    return paging.page(_SCHEMA.dump(found, many=True), found[-1].contact.id if len(found) == limit else None)


@bp.get("/<contact_id>")
@describe("getContact", "Contacts", {200: ContactAnswer})
def show(contact_id: str) -> ResponseReturnValue:
    """Show one contact, by our id, a phone or a user id: its names, and what each of our numbers knows of it."""
    found: dict[str, object] = _SCHEMA.dump(gateway().contacts.one(meant(contact_id), caller().numbers))
    return found


def meant(contact_id: str) -> str:
    """Our id of the contact that a path names. Raises `NotFound`."""
    return gateway().contacts.id_of(contact_id, caller().numbers, gateway().config.default_region or None)
