"""Errors on pages: a page that says what to do, or the API's JSON for scripts."""

from __future__ import annotations

from flask import g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.exceptions import HTTPException

from app.errors import GatewayError
from app.logs import request_id_var
from app.web import errors as api


def wants_page() -> bool:
    """Return whether a browser shows the response as a page, and not a script of ours reads it."""
    return "text/html" in request.headers.get("Accept", "") and request.headers.get("Sec-Fetch-Dest") != "empty"


def to_sign_in() -> ResponseReturnValue:
    """Send a browser to the page for signing in."""
    return redirect(url_for("inbox_sign_in.ask"), 303)


def answer_ours(error: GatewayError) -> ResponseReturnValue:
    """Answer an error of the gateway's."""
    if not wants_page():
        response = api.answer_ours(error)
        response.headers.pop("WWW-Authenticate", None)  # keys are not what is missing here
        return response
    status = api.STATUS.get(error.code, 500)
    return _page(status, _said(status) or error.message)


def answer_http(error: HTTPException) -> ResponseReturnValue:
    """Answer an error of Flask's, such as 404."""
    status = error.code or 500
    if status < 400:
        return error.get_response()
    return _page(status, _said(status) or error.name) if wants_page() else api.answer_http(error)


def answer_unexpected(error: Exception) -> ResponseReturnValue:
    """Answer a mistake of ours."""
    return answer_ours(api.known(error))


def _page(status: int, message: str) -> ResponseReturnValue:
    g.setdefault("person", None)  # the database is not asked again: it may be what failed
    page = render_template("inbox/error.html", status=status, message=message, request_id=request_id_var.get())
    return page, status


def _said(status: int) -> str | None:
    """Return what a person reads where the status says all; None where the error itself says more."""
    said = {
        401: _("You are not signed in."),
        403: _("You may not do that. If a form brought you here, load its page again and repeat what you did."),
        404: _("There is nothing here, or nothing that you may see."),
        405: _("This page cannot be used like that."),
        413: _("This is too large."),
        500: _("Something went wrong on our side. Try again; if it stays so, tell an admin the number below."),
        503: _("The service cannot reach its database at the moment. Try again."),
    }
    return said.get(status)
