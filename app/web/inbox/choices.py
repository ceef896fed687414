"""The admins' pages of what agents choose from, quick replies and labels: added, changed and removed."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.errors import AlreadyExists, Invalid
from app.services.numbers import list_numbers
from app.web.context import gateway
from app.web.inbox.access import pages
from app.web.inbox.house.blueprint import back_to

NEW = "new"
"""Stands for the id of what a form adds."""

bp = pages("admin", Blueprint("inbox_choices", __name__, url_prefix="/inbox"))


@bp.get("/quick-replies")
def index() -> ResponseReturnValue:
    """Show all quick replies."""
    return _replies_page()


@bp.post("/quick-replies")
def add_reply() -> ResponseReturnValue:
    """Add a quick reply."""
    try:
        gateway().quick_replies.add(*_reply())
    except (Invalid, AlreadyExists) as error:
        return _replies_page(error, NEW), _status(error)
    return back_to(".index", "added")


@bp.post("/quick-replies/<reply_id>")
def change_reply(reply_id: str) -> ResponseReturnValue:
    """Replace a quick reply."""
    try:
        gateway().quick_replies.change(reply_id, *_reply())
    except (Invalid, AlreadyExists) as error:
        return _replies_page(error, reply_id), _status(error)
    return back_to(".index", "changed")


@bp.post("/quick-replies/<reply_id>/remove")
def remove_reply(reply_id: str) -> ResponseReturnValue:
    """Remove a quick reply."""
    gateway().quick_replies.remove(reply_id)
    return back_to(".index", "removed")


@bp.get("/labels")
def labels() -> ResponseReturnValue:
    """Show all labels."""
    return _labels_page()


@bp.post("/labels")
def add_label() -> ResponseReturnValue:
    """Add a label."""
    try:
        gateway().labels.add(request.form.get("name", ""), request.form.get("colour", ""))
    except (Invalid, AlreadyExists) as error:
        return _labels_page(error, NEW), _status(error)
    return back_to(".labels", "added")


@bp.post("/labels/<label_id>")
def change_label(label_id: str) -> ResponseReturnValue:
    """Rename a label, or give it another colour."""
    try:
        gateway().labels.change(label_id, name=request.form.get("name", ""), colour=request.form.get("colour", ""))
    except (Invalid, AlreadyExists) as error:
        return _labels_page(error, label_id), _status(error)
    return back_to(".labels", "changed")


@bp.post("/labels/<label_id>/remove")
def remove_label(label_id: str) -> ResponseReturnValue:
    """Remove a label, also from all conversations."""
    gateway().labels.remove(label_id)
    return back_to(".labels", "removed")


def _reply() -> tuple[str, str, str | None]:
    form = request.form
    text = form.get("text", "").replace("\r\n", "\n").strip()  # browsers send lines of a form with both
    return form.get("shortcut", ""), text, form.get("phone_number_id") or None


def _replies_page(error: Invalid | AlreadyExists | None = None, of: str = "") -> str:
    """Show the quick replies; `error` is what is wrong in the form `of` one of them."""
    return render_template(
        "inbox/choices/quick_replies.html",
        replies=gateway().quick_replies.all(None),
        numbers={
            each.phone_number_id: f"+{each.display_phone_number}" if each.display_phone_number else None
            for each in list_numbers(gateway().database, gateway().directory, None)
        },
        problems={} if error is None else _said_of_reply(error), of=of, asked=request.form,
    )  # fmt: skip


def _labels_page(error: Invalid | AlreadyExists | None = None, of: str = "") -> str:
    return render_template(
        "inbox/choices/labels.html",
        labels=gateway().labels.all(),
        problems={} if error is None else _said_of_label(error), of=of, asked=request.form,
    )  # fmt: skip


def _said_of_reply(error: Invalid | AlreadyExists) -> dict[str, str]:
    """Return what is wrong, by field, in words of the page."""
    if isinstance(error, AlreadyExists):
        return {"shortcut": _("This shortcut is taken. Choose another.")}
    said = {
        "shortcut": _("A shortcut is one word: 1 to 40 letters, digits, hyphens and underscores."),
        "text": _("Write 1 to 4096 characters."),
        "phone_number_id": _("This number was removed. Choose another."),
    }
    return {name: said[name] for name in error.fields or {}}


def _said_of_label(error: Invalid | AlreadyExists) -> dict[str, str]:
    if isinstance(error, AlreadyExists):
        return {"name": _("There is a label of this name. Choose another.")}
    said = {
        "name": _("A name is 1 to 40 characters in one line."),
        "colour": _("A colour is written as #2266cc: # and six of 0 to 9 and a to f."),
    }
    return {name: said[name] for name in error.fields or {}}


def _status(error: Invalid | AlreadyExists) -> int:
    return 409 if isinstance(error, AlreadyExists) else 422
