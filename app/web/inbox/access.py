"""Who may use which page. Every blueprint of pages declares that by `pages`, as those of the API by `requires`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from io import BytesIO
from typing import Any, Literal

from flask import Blueprint, current_app, g, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import validate_csrf
from werkzeug.exceptions import HTTPException
from wtforms import ValidationError

from app.domain.people import Person, Role
from app.errors import Forbidden, GatewayError, Unauthenticated
from app.web.auth import ACCESS, name_actor
from app.web.bodies import API_LIMIT, read_raw
from app.web.context import gateway
from app.web.inbox import errors
from app.web.inbox.headers import protect
from app.web.inbox.visits import visit

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
BY_ITSELF = "X-Inbox-Background"
"""A header of requests that a page makes by itself. They do not count as use of the session."""


class SignInNeeded(Unauthenticated):
    """Nobody is signed in, or the session has ended."""

    default = "Sign in first."


class ForgedRequest(Forbidden):
    """A request that changes something came without the token of a form of ours."""

    default = "This form is too old, or was not ours. Load the page again and repeat what you did."


def pages(role: Role | Literal["anyone"], bp: Blueprint) -> Blueprint:
    """Declare who may use the pages of a blueprint: `agent` (everybody who is signed in), `admin`, or `anyone`.

    Requests that change something must bring the token of a form (`csrf_token`) or the header `X-CSRFToken`.
    Responses get the headers of `headers.py`; errors are pages, or JSON for scripts.
    """
    bp.record_once(lambda state: state.app.extensions.setdefault(ACCESS, {}).update({bp.name: f"person:{role}"}))
    bp.before_request(partial(_check, role))
    bp.after_request(protect)
    bp.register_error_handler(GatewayError, _answer)
    bp.register_error_handler(HTTPException, errors.answer_http)
    bp.register_error_handler(Exception, errors.answer_unexpected)
    return bp


def person() -> Person:
    """Return the person who is signed in. Raises `SignInNeeded`, which shows the page for signing in."""
    found = somebody()
    if found is None:
        raise SignInNeeded
    return found


def somebody() -> Person | None:
    """Return the person who is signed in, by the trusted proxy or by the cookie; None if there is none."""
    if "person" not in g:
        g.person = _find()
        if g.person is not None:
            name_actor(f"person:{g.person.id}")
    found: Person | None = g.person
    return found


def still_signed_in() -> Callable[[], bool]:
    """Return a function that says whether this request's person may still see what they see now.

    For responses that last: it needs no request, and asks the database. Raises `Unavailable`.
    """
    seen, cookie, services = person(), visit().cookie, gateway()
    if _named_by_proxy():
        return lambda: services.sign_in.named(seen.name) == seen
    return lambda: services.sign_in.who(cookie, is_use=False) == seen


def _check(role: Role | Literal["anyone"]) -> None:
    if role != "anyone":
        if not person().may(role):
            raise Forbidden("This page is for admins.")
    if request.method not in SAFE:
        _bound_body()
        _refuse_forged()


def _find() -> Person | None:
    name = _named_by_proxy()
    if name:
        return gateway().sign_in.named(name)
    if visit().is_new:
        return None
    return gateway().sign_in.who(visit().cookie, is_use=not _is_by_itself())


def _is_by_itself() -> bool:
    """Return whether a page makes this request by itself. A stream of news cannot send a header."""
    return BY_ITSELF in request.headers or request.endpoint == "inbox_live.index"


def _named_by_proxy() -> str:
    """Return the name that a trusted proxy gave; empty without one."""
    header = gateway().config.inbox_user_header
    if not header:
        return ""
    name = request.headers.get(header, "")
    try:
        return name.encode("latin-1").decode().strip()  # WSGI hands headers on as Latin-1
    except UnicodeError:
        return name.strip()


def takes_files(largest: int) -> Callable[[Any], Any]:
    """Declare that a view takes up to `largest` bytes, such as files; all others take no more than a form holds.

    Stands below the route's decorator. Its blueprint must not be for `anyone`.
    """

    def declare(view: Any) -> Any:
        view.largest_body = largest
        return view

    return declare


def _bound_body() -> None:
    """Read a form within the bounds that the API has: Werkzeug's own have none for files, nor for chunked bodies.

    Raises what `read_raw` raises.
    """
    view = current_app.view_functions.get(request.endpoint or "")
    largest: int | None = getattr(view, "largest_body", None)
    if largest is not None:
        request.max_content_length = largest
        return
    raw, environ = read_raw(API_LIMIT), request.environ
    environ.pop("HTTP_TRANSFER_ENCODING", None)
    environ |= {"wsgi.input": BytesIO(raw), "CONTENT_LENGTH": str(len(raw))}


def _refuse_forged() -> None:
    """Raise `ForgedRequest` unless a page of ours made this request."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise ForgedRequest
    # The header first: reading the form of a large upload would read all of it.
    token = request.headers.get("X-CSRFToken") or request.form.get("csrf_token")
    try:
        validate_csrf(token)
    except ValidationError:
        raise ForgedRequest from None


def _answer(error: GatewayError) -> ResponseReturnValue:
    if isinstance(error, SignInNeeded) and errors.wants_page():
        return errors.to_sign_in()
    return errors.answer_ours(error)
