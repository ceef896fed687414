"""Sign in by a link, and sign out.

Opening a link only shows a button: programs that fetch links to preview them would use it up otherwise.
"""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.errors import Throttled
from app.services.people import LinkState
from app.web.context import gateway
from app.web.inbox import guesses
from app.web.inbox.access import pages, somebody
from app.web.inbox.visits import visit

STATUS = {LinkState.usable: 200, LinkState.used: 410, LinkState.expired: 410, LinkState.unknown: 404}

bp = pages("anyone", Blueprint("inbox_sign_in", __name__, url_prefix="/inbox/sign-in"))
out = pages("agent", Blueprint("inbox_sign_out", __name__, url_prefix="/inbox/sign-out"))


@bp.get("")
def ask() -> ResponseReturnValue:
    """Say how to sign in."""
    if somebody() is not None:
        return redirect(url_for("inbox_conversations.index"), 303)
    header = gateway().config.inbox_user_header
    return render_template("inbox/sign_in.html", named=bool(header) and request.headers.get(header, ""))


@bp.get("/<token>")
def offer(token: str) -> ResponseReturnValue:
    """Show the button of a link, or say why it does not work."""
    state, name = gateway().sign_in.look(token)
    if state is LinkState.unknown:
        if guesses.are_too_many():
            raise Throttled
        guesses.count()
    return render_template("inbox/enter.html", state=state.value, name=name), STATUS[state]


@bp.post("/<token>")
def enter(token: str) -> ResponseReturnValue:
    """Use a link up and sign its person in."""
    # Only a link that works takes the lock that writers wait for.
    is_usable = gateway().sign_in.look(token)[0] is LinkState.usable
    signed_in = gateway().sign_in.enter(token, instead_of=visit().cookie) if is_usable else None
    if signed_in is None:
        return offer(token)
    visit().begin(signed_in.cookie, signed_in.expires_at)
    return redirect(url_for("inbox_conversations.index"), 303)


@out.post("")
def leave() -> ResponseReturnValue:
    """Sign out of this browser."""
    gateway().sign_in.leave(visit().cookie)
    visit().end()
    return redirect(url_for("inbox_sign_in.ask"), 303)
