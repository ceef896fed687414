"""The page of whoever is signed in: language, look, notifications, and signing out everywhere."""

from __future__ import annotations

from flask import Blueprint, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.domain.people import LANGUAGES, THEMES
from app.web.context import gateway
from app.web.inbox.access import pages, person
from app.web.inbox.languages import language
from app.web.inbox.visits import visit

bp = pages("agent", Blueprint("inbox_me", __name__, url_prefix="/inbox/me"))


@bp.get("")
def index() -> ResponseReturnValue:
    """Show what the person chose."""
    view, devices = gateway().people.one(person().id), list(gateway().push.of(person().id))
    return render_template("inbox/me.html", me=view, devices=devices, saved=request.args.get("saved") == "1")


@bp.post("")
def save() -> ResponseReturnValue:
    """Save language and look; whatever is not of the lists means what the browser asks for."""
    chosen, theme = request.form.get("language"), request.form.get("theme")
    gateway().people.prefer(
        person().id,
        language=chosen if chosen in LANGUAGES else None,
        theme=theme if theme in THEMES else None,
    )
    return redirect(url_for("inbox_me.index", saved=1), 303)


@bp.get("/push")
def push_key() -> ResponseReturnValue:
    """Return the gateway's key, with which a browser subscribes to notifications."""
    return jsonify(key=gateway().push.public_key())


@bp.post("/push")
def allow_push() -> ResponseReturnValue:
    """Store that the person allowed notifications in this browser; the body is its subscription as JSON."""
    given = request.get_json(silent=True)
    gateway().push.add(person().id, given, language=language(), cookie=visit().cookie)
    return "", 204


@bp.post("/push/off")
def stop_push() -> ResponseReturnValue:
    """Forget a browser of the person's; the body is JSON with its `endpoint`."""
    gateway().push.remove(person().id, request.get_json(silent=True))
    return "", 204


@bp.post("/sign-out-everywhere")
def leave_everywhere() -> ResponseReturnValue:
    """End all sessions of the person, this one too."""
    gateway().people.sign_out(person().id)
    visit().end()
    return redirect(url_for("inbox_sign_in.ask"), 303)
