"""What can be done to a contact, each for who may do it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from flask import Blueprint, Response
from flask.typing import ResponseReturnValue

from app import compact_json
from app.domain.handover import HandledBy
from app.schemas.api.contacts import (
    ContactAnswer,
    ContactChange,
    ContactExport,
    ExportedConversation,
    ExportQuery,
    HandoverRequest,
    ToldEvent,
)
from app.schemas.api.service import DoneAnswer
from app.schemas.normalized_message import normalized
from app.services.contacts import Export, export_contact
from app.web.api import contact_archive
from app.web.api.contacts import meant
from app.web.auth import caller, requires
from app.web.bodies import read_object
from app.web.context import gateway
from app.web.cooperative import yielding
from app.web.openapi.operations import Bytes, describe
from app.web.query import query

PREFIX = "/api/contacts"

edit_bp = requires("send", Blueprint("contact_editing", __name__, url_prefix=PREFIX))
erase_bp = requires("admin", Blueprint("contact_erasing", __name__, url_prefix=PREFIX))
export_bp = requires("read", Blueprint("contact_exporting", __name__, url_prefix=PREFIX))

_ANSWER, _CHANGE, _EVENT, _HANDOVER = ContactAnswer(), ContactChange(), ToldEvent(), HandoverRequest()
_CONVERSATION = ExportedConversation()


@edit_bp.patch("/<contact_id>")
@describe("changeContact", "Contacts", {200: ContactAnswer}, body=ContactChange)
def change(contact_id: str) -> ResponseReturnValue:
    """Change a contact: its name and notes, and whether it wants marketing. What is left out stays."""
    contact_id = meant(contact_id)
    gateway().edit_contact(contact_id, read_object(_CHANGE), caller().numbers)
    return _contact(contact_id)


@edit_bp.post("/<contact_id>/handover")
@describe("handOverContact", "Contacts", {200: ContactAnswer}, body=HandoverRequest)
def hand_over(contact_id: str) -> ResponseReturnValue:
    """Hand a contact over to a person, or back to the bot. While a person does, bots are not woken."""
    body = read_object(_HANDOVER)
    contact_id = meant(contact_id)
    gateway().hand_over(contact_id, HandledBy(body["to"]), body.get("phone_number_id"), caller().numbers)
    return _contact(contact_id)


@erase_bp.delete("/<contact_id>")
@describe("eraseContact", "Contacts", {200: DoneAnswer})
def erase(contact_id: str) -> ResponseReturnValue:
    """Erase a person: names, texts and raw webhooks. Counts, times and states stay."""
    gateway().erase_contact(meant(contact_id))
    return {"success": True}


@export_bp.get("/<contact_id>/export")
@describe("exportContact", "Contacts", {200: Bytes(("application/zip",), json=ContactExport)}, query=ExportQuery)
def export(contact_id: str) -> ResponseReturnValue:
    """Export everything we know of a contact: its names, notes, labels, messages and events, oldest first.

    The answer is a zip: `index.html` is for people, `contact.json` for programs, and `media/` holds the files of
    messages. With `format=json` it is the same JSON alone.
    """
    contact_id = meant(contact_id)
    exported = export_contact(gateway().database, gateway().contacts, contact_id, caller().numbers)
    gateway().audit_log.record_now(act="contact.exported", subject=f"contact:{contact_id}")
    if query().get("format") == "json":
        return Response(_written(exported), mimetype="application/json")
    numbers = caller().numbers
    begin = partial(export_contact, gateway().database, gateway().contacts, contact_id, numbers)
    headers = {"Content-Disposition": f'attachment; filename="contact-{contact_id[:8]}.zip"'}
    pieces = contact_archive.written(gateway().media, begin, _written, normalized)
    return Response(yielding(pieces), mimetype="application/zip", headers=headers)


def _written(exported: Export) -> Iterator[str]:
    """An export as it is sent, portion by portion: nobody has all of it in memory, and others are served between."""
    yield f'{{"contact":{compact_json.encode(_ANSWER.dump(exported.contact))},"conversations":['
    yield from _list(_CONVERSATION.dump(portion, many=True) for portion in exported.conversations)
    yield '],"messages":['
    yield from _list(map(normalized, portion) for portion in exported.messages)
    yield '],"events":['
    yield from _list(_EVENT.dump(portion, many=True) for portion in exported.events)
    yield "]}\n"


def _list(portions: Iterable[Iterable[Any]]) -> Iterator[str]:
    comma = ""
    for portion in yielding(portions):
        yield comma + ",".join(compact_json.encode(each) for each in portion)
        comma = ","


def _contact(contact_id: str) -> dict[str, Any]:
    found: dict[str, Any] = _ANSWER.dump(gateway().contacts.one(contact_id, caller().numbers))
    return found
