"""Who may call what. Every blueprint says so itself, by one of these two words."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial

from flask import Blueprint, Flask, g, request

from app.errors import Forbidden, Unauthenticated
from app.services.registries import Caller
from app.web.context import gateway

ACCESS = "gateway.access"


def open_to_all(bp: Blueprint) -> Blueprint:
    """Declare that a blueprint's routes need no key."""
    bp.record_once(lambda state: state.app.extensions.setdefault(ACCESS, {}).update({bp.name: None}))
    return bp


def requires(scope: str, bp: Blueprint) -> Blueprint:
    """Declare that every route of a blueprint needs a key with this scope."""
    bp.record_once(lambda state: state.app.extensions.setdefault(ACCESS, {}).update({bp.name: scope}))
    bp.before_request(partial(check, scope))
    return bp


def init_app(app: Flask) -> None:
    """Refuse to start with a blueprint that says nothing."""
    silent = set(app.blueprints) - set(app.extensions.get(ACCESS, {}))
    if silent:
        raise RuntimeError(f"no access declared for: {', '.join(sorted(silent))}")


def check(scope: str, schemes: Collection[str] = ("bearer",)) -> None:
    """Find the caller by the request's key, after one of these words. Raises `Unauthenticated` and `Forbidden`."""
    identify(header_key(schemes))
    permit(scope)


def header_key(schemes: Collection[str] = ("bearer",)) -> str:
    """The key in the request's header, after one of these words; empty without one."""
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    return key.strip() if scheme.lower() in schemes else ""


def identify(key: str, face: str = "api") -> None:
    """Let a key say who is calling, and note its use. Raises `Unauthenticated`."""
    if not key:
        raise Unauthenticated
    found = gateway().api_keys.find(key)
    if found is None:
        raise Unauthenticated(Unauthenticated.unknown)
    g.caller = found
    gateway().record_key_use(found.name, face)


def permit(scope: str) -> None:
    """Raise `Forbidden` unless the caller may do this."""
    if not caller().may(scope):
        raise Forbidden(f"This key lacks the scope `{scope}`.")
    if scope == "admin" and caller().numbers is not None:
        # What admins see and change, raw webhooks for one, is of all numbers at once.
        raise Forbidden("This key is bound to numbers, and this route is about all of them.")


def caller() -> Caller:
    """Who is calling."""
    found: Caller = g.caller
    return found
