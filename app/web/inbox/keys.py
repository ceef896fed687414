"""The admins' page of API keys: made, shown once, and revoked."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.errors import Invalid
from app.services.numbers import list_numbers
from app.services.registries import SCOPES
from app.web.context import gateway
from app.web.inbox.access import pages

bp = pages("admin", Blueprint("inbox_keys", __name__, url_prefix="/inbox/keys"))


@bp.get("")
def index() -> ResponseReturnValue:
    """Show all keys, without the keys themselves."""
    return _page()


@bp.post("")
def add() -> ResponseReturnValue:
    """Make a key, and show it."""
    name, scopes = request.form.get("name", "").strip(), request.form.getlist("scope")
    try:
        key = gateway().api_keys.make(name, scopes, request.form.getlist("number") or None)
    except Invalid as error:
        return _page(wrong=_wrong(error), asked={"name": name, "scopes": scopes}), 422
    return _page(key=key, key_name=name)


@bp.post("/<name>/revoke")
def revoke(name: str) -> ResponseReturnValue:
    """Revoke a key."""
    gateway().api_keys.revoke(name)
    return redirect(url_for(".index"), 303)


def _page(**more: Any) -> str:
    facts = {
        "keys": gateway().api_keys.all(),
        "numbers": list_numbers(gateway().database, gateway().directory, None),
        "scopes": SCOPES,
        "asked": {"name": "", "scopes": ["send", "read"]},
    }
    return render_template("inbox/keys.html", **{**facts, **more})


def _wrong(error: Invalid) -> str:
    said: str = _("Choose what the key may do.")
    if "name" in (error.fields or {}):
        said = _("This name was used for a key before, or it is not letters, digits, dots and dashes, up to 64.")
    return said
