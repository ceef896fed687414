"""The admins' page of people: add them, make links, change and take away access."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.domain.people import Person
from app.errors import Invalid, WrongState
from app.services.numbers import list_numbers
from app.web.context import gateway
from app.web.inbox.access import pages, person
from app.web.inbox.links import sign_in_url

bp = pages("admin", Blueprint("inbox_people", __name__, url_prefix="/inbox/people"))


@bp.get("")
def index() -> ResponseReturnValue:
    """Show all people."""
    return _page()


@bp.post("")
def add() -> ResponseReturnValue:
    """Add a person, and show the link by which they sign in."""
    name = request.form.get("name", "")
    try:
        found = gateway().people.add(name, request.form.get("role", ""), _numbers())
    except Invalid as error:
        return _page(wrong=_wrong(error), asked=_asked(name=name)), 422
    return _page_with_link(found)


@bp.post("/<person_id>")
def change(person_id: str) -> ResponseReturnValue:
    """Change what a person may do and see."""
    _refuse_oneself(person_id)
    try:
        gateway().people.change(person_id, role=request.form.get("role", ""), numbers=_numbers())
    except Invalid as error:
        return _page(wrong=_wrong(error), asked=_asked(id=person_id)), 422
    return redirect(url_for(".index"), 303)


@bp.post("/<person_id>/link")
def link(person_id: str) -> ResponseReturnValue:
    """Show a new link of a person."""
    return _page_with_link(gateway().people.one(person_id).person)


@bp.post("/<person_id>/sign-out")
def sign_out(person_id: str) -> ResponseReturnValue:
    """Sign a person out everywhere."""
    gateway().people.sign_out(person_id)
    return redirect(url_for(".index"), 303)


@bp.post("/<person_id>/disable")
def disable(person_id: str) -> ResponseReturnValue:
    """Take a person's access away."""
    _refuse_oneself(person_id)
    gateway().people.disable(person_id)
    return redirect(url_for(".index"), 303)


@bp.post("/<person_id>/enable")
def enable(person_id: str) -> ResponseReturnValue:
    """Give a person their access back."""
    gateway().people.enable(person_id)
    return redirect(url_for(".index"), 303)


@bp.post("/<person_id>/remove")
def remove(person_id: str) -> ResponseReturnValue:
    """Delete a person."""
    _refuse_oneself(person_id)
    gateway().people.remove(person_id)
    return redirect(url_for(".index"), 303)


def _page_with_link(whose: Person) -> str:
    token = gateway().people.make_link(whose.id)
    return _page(link=sign_in_url(token), link_of=whose.name)


def _page(**more: Any) -> str:
    facts = {
        "people": gateway().people.all(),
        "me": person(),
        "numbers": list_numbers(gateway().database, gateway().directory, None),
        "asked": {"role": "agent", "numbers": None, "which": "all"},
    }
    return render_template("inbox/people.html", **{**facts, **more})


def _numbers() -> list[str] | None:
    """Return the numbers that an agent is to see; None means all, as an admin sees.

    The form asks for them only if there are several. Raises `Invalid` for an agent who would see none of them.
    """
    which, numbers = request.form.get("which"), request.form.getlist("number")
    if request.form.get("role") == "admin" or which == "all" or (which is None and not numbers):
        return None
    if not numbers:
        raise Invalid(fields={"numbers": ["must be chosen"]})
    return numbers


def _asked(**of: str) -> dict[str, Any]:
    """Return what was chosen in a form that was refused, with whose it is: an `id`, or a new `name`."""
    form = request.form
    numbers = form.getlist("number") if "which" in form else None
    return {"role": form.get("role", ""), "numbers": numbers, "which": form.get("which", "all"), **of}


def _refuse_oneself(person_id: str) -> None:
    if person_id == person().id:
        raise WrongState(_("You cannot take your own access away; another admin can."))


def _wrong(error: Invalid) -> str:
    """Return what is wrong in words of the page: the name, or what a page of ours never sends."""
    said: str = _("This name is taken, or is no name: 1 to 80 characters. Choose another.")
    if "name" in (error.fields or {}):
        return said
    if "numbers" in (error.fields or {}):
        said = _("Choose at least one number, or all numbers.")
        return said
    said = _("This cannot be done: %(why)s", why=error.message)
    return said
