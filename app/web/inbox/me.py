"""The page of whoever is signed in: language, look, and signing out everywhere."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.domain.people import LANGUAGES, THEMES
from app.web.context import gateway
from app.web.inbox.access import pages, person
from app.web.inbox.visits import visit

bp = pages("agent", Blueprint("inbox_me", __name__, url_prefix="/inbox/me"))


@bp.get("")
def index() -> ResponseReturnValue:
    """Show what the person chose."""
    view = gateway().people.one(person().id)
    return render_template("inbox/me.html", me=view, saved=request.args.get("saved") == "1")


@bp.post("")
def save() -> ResponseReturnValue:
    """Save language and look; whatever is not of the lists means what the browser asks for."""
    language, theme = request.form.get("language"), request.form.get("theme")
    gateway().people.prefer(
        person().id,
        language=language if language in LANGUAGES else None,
        theme=theme if theme in THEMES else None,
    )
    return redirect(url_for("inbox_me.index", saved=1), 303)


@bp.post("/sign-out-everywhere")
def leave_everywhere() -> ResponseReturnValue:
    """End all sessions of the person, this one too."""
    gateway().people.sign_out(person().id)
    visit().end()
    return redirect(url_for("inbox_sign_in.ask"), 303)
