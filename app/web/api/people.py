"""The people who work in the inbox: added, changed, signed out and removed, and the links by which they sign in."""

from __future__ import annotations

from typing import Any

from flask import Blueprint
from flask.typing import ResponseReturnValue

from app.schemas.api.lists import list_of
from app.schemas.api.people import PersonAnswer, PersonChange, PersonRequest, RevokedAnswer, SignInLinkAnswer
from app.schemas.api.service import DoneAnswer
from app.services.people import LINK_LIFETIME, PersonView
from app.web.api import paging
from app.web.auth import requires
from app.web.bodies import read_object
from app.web.context import gateway
from app.web.inbox.links import sign_in_url
from app.web.openapi.operations import describe

bp = requires("admin", Blueprint("people", __name__, url_prefix="/api/people"))

_ANSWER, _LINK = PersonAnswer(), SignInLinkAnswer()
_REQUEST, _CHANGE = PersonRequest(), PersonChange()


@bp.get("")
@describe("listPeople", "People", {200: list_of(PersonAnswer)})
def index() -> ResponseReturnValue:
    """List people, by name; those without access too."""
    return paging.page([_dumped(view) for view in gateway().people.all()], None)


@bp.post("")
@describe("addPerson", "People", {201: PersonAnswer}, body=PersonRequest)
def add() -> ResponseReturnValue:
    """Add a person. They sign in by a link, which is made apart."""
    asked = read_object(_REQUEST)
    person = gateway().people.add(asked["name"], asked["role"], asked.get("numbers"))
    return _dumped(gateway().people.one(person.id)), 201


@bp.get("/<person_id>")
@describe("getPerson", "People", {200: PersonAnswer})
def show(person_id: str) -> ResponseReturnValue:
    """Show one person."""
    return _dumped(gateway().people.one(person_id))


@bp.patch("/<person_id>")
@describe("changePerson", "People", {200: PersonAnswer}, body=PersonChange)
def change(person_id: str) -> ResponseReturnValue:
    """Change what a person may do and see, from their next request on; what is not named stays."""
    asked, people = read_object(_CHANGE), gateway().people
    now = people.one(person_id)
    if {"role", "numbers"} & asked.keys():
        role = asked.get("role", now.person.role)
        numbers = asked.get("numbers", now.person.numbers)
        people.change(person_id, role=role, numbers=None if numbers is None else sorted(numbers))
    if asked.get("disabled") is True and now.disabled_at is None:
        people.disable(person_id)
    elif asked.get("disabled") is False:
        people.enable(person_id)
    return _dumped(people.one(person_id))


@bp.delete("/<person_id>")
@describe("removePerson", "People", {200: DoneAnswer})
def remove(person_id: str) -> ResponseReturnValue:
    """Delete a person; their sessions and links end. What they did stays."""
    gateway().people.remove(person_id)
    return {"success": True}


@bp.post("/<person_id>/links")
@describe("addPersonLink", "People", {201: SignInLinkAnswer})
def add_link(person_id: str) -> ResponseReturnValue:
    """Make a link by which the person signs in, once, within an hour. It is not shown again."""
    token = gateway().people.make_link(person_id)
    dumped: dict[str, Any] = _LINK.dump({"url": sign_in_url(token), "expires_at": gateway().now() + LINK_LIFETIME})
    return dumped, 201


@bp.delete("/<person_id>/links")
@describe("revokePersonLinks", "People", {200: RevokedAnswer})
def revoke_links(person_id: str) -> ResponseReturnValue:
    """Take back the person's links that were not used yet."""
    return {"success": True, "revoked": gateway().people.revoke_links(person_id)}


@bp.post("/<person_id>/sign-out")
@describe("signOutPerson", "People", {200: RevokedAnswer})
def sign_out(person_id: str) -> ResponseReturnValue:
    """End all sessions of the person, and take their links back; `revoked` counts sessions."""
    return {"success": True, "revoked": gateway().people.sign_out(person_id)}


def _dumped(view: PersonView) -> dict[str, Any]:
    who = view.person
    facts = {"id": who.id, "name": who.name, "role": who.role, "created_at": view.created_at}
    state = {"disabled_at": view.disabled_at, "sessions": view.sessions, "last_seen_at": view.last_seen_at}
    dumped: dict[str, Any] = _ANSWER.dump(
        {**facts, **state, "numbers": None if who.numbers is None else sorted(who.numbers)}
    )
    return dumped
