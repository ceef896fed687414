"""What can be done to a contact, each for who may do it."""

from __future__ import annotations

from flask import Blueprint
from flask.typing import ResponseReturnValue
from marshmallow import ValidationError

from app.errors import Invalid, Malformed
from app.schemas.api.contacts import ContactAnswer, ContactChange, ContactExport
from app.schemas.send.base import flatten
from app.services.export_contact import export_contact
from app.web.auth import caller, requires
from app.web.bodies import parse_json, read_json_bytes
from app.web.context import gateway

PREFIX = "/api/contacts"

edit_bp = requires("send", Blueprint("contact_editing", __name__, url_prefix=PREFIX))
erase_bp = requires("admin", Blueprint("contact_erasing", __name__, url_prefix=PREFIX))
export_bp = requires("read", Blueprint("contact_exporting", __name__, url_prefix=PREFIX))

_ANSWER, _CHANGE, _EXPORT = ContactAnswer(), ContactChange(), ContactExport()


@edit_bp.patch("/<contact_id>")
def change(contact_id: str) -> ResponseReturnValue:
    """Set a contact's name and notes, and whether it wants marketing; what is left out stays."""
    body = parse_json(read_json_bytes())
    if not isinstance(body, dict):
        raise Malformed
    try:
        changes = _CHANGE.load(body)
    except ValidationError as error:
        raise Invalid(fields=flatten(error.messages)) from None
    gateway().edit_contact(contact_id, changes, caller().numbers)
    found: dict[str, object] = _ANSWER.dump(gateway().contacts.one(contact_id, caller().numbers))
    return found


@erase_bp.delete("/<contact_id>")
def erase(contact_id: str) -> ResponseReturnValue:
    """Erase a person: names, texts and raw webhooks. Counts, times and states stay."""
    gateway().erase_contact(contact_id)
    return {"success": True}


@export_bp.get("/<contact_id>/export")
def export(contact_id: str) -> ResponseReturnValue:
    """Everything we know of a contact: its names, messages and events, oldest first."""
    exported = export_contact(gateway().database, gateway().contacts, contact_id, caller().numbers)
    found: dict[str, object] = _EXPORT.dump(exported)
    return found
